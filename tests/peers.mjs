// ONNX Runtime beside clipc, for tests/peers.py: one JSON request a line on stdin, one answer a line on stdout.
//   {"open": KEY, "path": FILE, "threads": N}
//   {"run": KEY, "input": NAME, "file": FILE, "shape": [...], "times": N, "out": FILE or null}
// A run's answer has the seconds of each time, on the clock and of CPU; the vectors of the last are written to "out" as float32.
// usage: node peers.mjs FOLDER     (its node_modules has onnxruntime-node)
import {readFileSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {createInterface} from "node:readline";

const ort = createRequire(process.argv[2] + "/")("onnxruntime-node");
const sessions = {};

async function run(request) {
    const bytes = readFileSync(request.file), whole = request.input === "ids";
    const data = whole ? new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
                       : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const feeds = {[request.input]: new ort.Tensor(whole ? "int64" : "float32", data, request.shape)};
    const seconds = [], cpu = [];
    let result;
    for (let i = 0; i < request.times; i++) {
        const start = process.hrtime.bigint(), used = process.cpuUsage();
        result = await sessions[request.run].run(feeds);
        seconds.push(Number(process.hrtime.bigint() - start) * 1e-9);
        const more = process.cpuUsage(used);
        cpu.push((more.user + more.system) * 1e-6);
    }
    if (request.out) {
        const vectors = Object.values(result)[0].data;
        writeFileSync(request.out, Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength));
    }
    return {seconds, cpu};
}

for await (const line of createInterface({input: process.stdin})) {
    const request = JSON.parse(line);
    let answer;
    try {
        if (request.open) {
            sessions[request.open] = await ort.InferenceSession.create(request.path, {
                executionProviders: ["cpu"], intraOpNumThreads: request.threads, interOpNumThreads: 1,
                executionMode: "sequential", graphOptimizationLevel: "all"});
            answer = {};
        } else {
            answer = await run(request);
        }
    } catch (error) {
        answer = {error: String(error)};
    }
    console.log(JSON.stringify(answer));
}
process.exit(0);
