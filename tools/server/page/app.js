// The page of `clipc serve`: a picture or webcam on one side, prompts and their scores on the other.
// One request is under way at a time: however slow the model is, what is shown is the newest frame.
"use strict";

const $ = (id) => document.getElementById(id);
const view = $("view"), pen = view.getContext("2d", { willReadFrequently: false });
const SIDE = 448; // longest side of what is sent: larger than any model looks at, small to send

let camera = null;    // the webcam's stream, while it runs
let picture = null;   // the data URI on the screen
let busy = false;     // a request is under way
let again = false;    // and something changed meanwhile
let range = [0.15, 0.4];
let inside = new Set(); // prompts over the mark now: a hit is noted when one comes in
let times = [];       // when the last answers came

// ---- Asking -------------------------------------------------------------------------------------------

function key() {
  return sessionStorage.getItem("key");
}

async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (key()) headers.Authorization = "Bearer " + key();
  const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  if (answer.status === 401) {
    await askForKey();
    return ask(path, body);
  }
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error?.message || value.message || `the server answered ${answer.status}`);
  return value;
}

function askForKey() {
  const dialog = $("key");
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("key", $("key-value").value.trim());
      done();
    }, { once: true });
    dialog.showModal();
  });
}

function prompts() {
  return [...new Set($("prompts").value.split("\n").map((p) => p.trim()).filter(Boolean))];
}

function request() {
  return { model: $("model").value, image: picture, labels: prompts() };
}

async function classify() {
  if (busy) {
    again = true;
    return;
  }
  const body = request();
  if (!picture || body.labels.length === 0) {
    show([], body.labels);
    return;
  }
  busy = true;
  const begun = performance.now();
  try {
    const value = await ask("/v1/classify", body);
    if (value.display[1] > value.display[0]) range = value.display;
    show(value.results[0], body.labels, body.image);
    said(performance.now() - begun);
    complain("");
  } catch (error) {
    complain(error.message);
  }
  busy = false;
  if (again) {
    again = false;
    classify();
  }
}

// ---- Showing ------------------------------------------------------------------------------------------

function complain(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}

function percent(cosine) {
  return 100 * Math.min(1, Math.max(0, (cosine - range[0]) / (range[1] - range[0])));
}

function row(name) {
  const li = document.createElement("li");
  li.innerHTML = `<span class="name"></span><span class="value"></span>
    <div class="track"><div class="fill percent"></div></div>
    <div class="track"><div class="fill softmax"></div></div>`;
  li.querySelector(".name").textContent = name;
  return li;
}

// Rows stand in the order of the prompts: bars that jump about cannot be read.
function show(scores, names, image) {
  const bars = $("bars"), mark = Number($("threshold").value);
  const of = new Map(scores.map((s) => [s.label, s]));
  if ([...bars.children].map((li) => li.querySelector(".name").textContent).join("\n") !== names.join("\n")) {
    bars.replaceChildren(...names.map(row));
  }
  $("range").textContent = `${range[0].toFixed(2)} to ${range[1].toFixed(2)}`;
  const now = new Set();
  names.forEach((name, i) => {
    const li = bars.children[i], s = of.get(name), p = s ? percent(s.cosine) : 0;
    li.querySelector(".percent").style.width = p + "%";
    li.querySelector(".softmax").style.width = (s ? 100 * s.score : 0) + "%";
    li.querySelector(".value").innerHTML = s
      ? `${p.toFixed(0)} <small>${s.cosine.toFixed(3)} · ${(100 * s.score).toFixed(1)} %</small>` : "";
    li.classList.toggle("hit", Boolean(s) && p >= mark);
    if (s && p >= mark) now.add(name);
  });
  const best = [...now].sort((a, b) => of.get(b).cosine - of.get(a).cosine)[0];
  $("matched").hidden = !best;
  $("matched").textContent = best || "";
  for (const name of now) if (!inside.has(name)) note(name, percent(of.get(name).cosine), image);
  inside = now;
}

function note(name, p, image) {
  const li = document.createElement("li"), img = document.createElement("img"), text = document.createElement("span");
  const time = document.createElement("time"), now = new Date();
  img.src = image;
  img.alt = "";
  text.textContent = `${name} (${p.toFixed(0)})`;
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString();
  li.append(img, text, time);
  li.dataset.prompt = name;
  const hits = $("hits");
  hits.querySelector(".none")?.remove();
  hits.prepend(li);
  while (hits.children.length > 50) hits.lastChild.remove();
}

function said(latency) {
  const now = performance.now();
  times = times.filter((t) => now - t < 2000).concat(now);
  const rate = camera ? `${(times.length / 2).toFixed(1)} frames/s · ` : "";
  $("rate").textContent = `${rate}${latency.toFixed(0)} ms`;
}

// ---- Pictures -----------------------------------------------------------------------------------------

// Draw a picture or frame, and keep what is sent of it.
function draw(source, width, height) {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  view.width = Math.max(1, Math.round(width * scale));
  view.height = Math.max(1, Math.round(height * scale));
  pen.drawImage(source, 0, 0, view.width, view.height);
  picture = view.toDataURL("image/jpeg", 0.9);
  view.hidden = false;
  $("drop").classList.add("full");
}

async function load(file) {
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file);
    stop();
    draw(bitmap, bitmap.width, bitmap.height);
    inside = new Set();
    classify();
    compare();
  } catch {
    complain(`${file.name || "that"} is no picture that this browser reads`);
  }
}

async function start() {
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
  } catch (error) {
    complain("no webcam: " + error.message);
    return;
  }
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = camera;
  await video.play();
  $("camera").setAttribute("aria-pressed", "true");
  const stream = camera;
  while (camera === stream) {
    draw(video, video.videoWidth, video.videoHeight);
    await Promise.all([classify(), new Promise(requestAnimationFrame)]);
  }
}

function stop() {
  camera?.getTracks().forEach((track) => track.stop());
  camera = null;
  times = [];
  $("camera").setAttribute("aria-pressed", "false");
}

let second = null;
async function compare() {
  if (!second || !picture) return;
  try {
    const bare = (uri) => ({ type: "base64", value: uri });
    const value = await ask("/clip/compare", { clip_version_id: $("model").value, subject: bare(picture),
      prompt: bare(second), prompt_type: "image" });
    $("similarity").textContent = `cosine ${value.similarity[0].toFixed(3)}`;
  } catch (error) {
    complain(error.message);
  }
}

async function loadSecond(file) {
  if (!file) return;
  const bitmap = await createImageBitmap(file), canvas = document.createElement("canvas");
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, bitmap.width * scale);
  canvas.height = Math.max(1, bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  second = canvas.toDataURL("image/jpeg", 0.9);
  $("second-view").src = second;
  $("second-view").hidden = false;
  compare();
}

function curl() {
  const body = request();
  body.image = "@PICTURE@";
  const text = JSON.stringify(body).replaceAll("'", "'\\''").replace("@PICTURE@", "'\"$(base64 -w0 picture.jpg)\"'");
  const auth = key() ? " -H 'Authorization: Bearer '$KEY" : "";
  return `curl -s ${location.origin}/v1/classify${auth} -H 'Content-Type: application/json' -d '${text}'`;
}

// ---- The controls -------------------------------------------------------------------------------------

const drop = $("drop");
$("choose").onclick = drop.onclick = () => $("file").click();
drop.onkeydown = (e) => {
  if (e.key === "Enter" || e.key === " ") {
    e.preventDefault();
    $("file").click();
  }
};
$("file").onchange = (e) => load(e.target.files[0]);
$("choose-second").onclick = () => $("second").click();
$("second").onchange = (e) => loadSecond(e.target.files[0]);
drop.ondragover = (e) => {
  e.preventDefault();
  drop.classList.add("over");
};
drop.ondragleave = () => drop.classList.remove("over");
drop.ondrop = (e) => {
  e.preventDefault();
  drop.classList.remove("over");
  load(e.dataTransfer.files[0]);
};
document.onpaste = (e) => load([...e.clipboardData.files].find((f) => f.type.startsWith("image/")));
$("camera").onclick = () => (camera ? stop() : start());
$("prompts").oninput = () => {
  localStorage.setItem("prompts", $("prompts").value);
  classify();
};
$("model").onchange = () => {
  inside = new Set();
  classify();
  compare();
};
$("threshold").oninput = () => {
  $("threshold-value").textContent = $("threshold").value;
  if (!camera) classify();
};
$("clear").onclick = () => $("hits").replaceChildren();
$("copy").onclick = async () => {
  await navigator.clipboard.writeText(curl());
  $("copy").textContent = "Copied";
  setTimeout(() => ($("copy").textContent = "Copy as curl"), 1500);
};

(async () => {
  $("prompts").value = localStorage.getItem("prompts") ??
    "an ace of spades playing card\na red star\na blue circle\nnothing";
  try {
    const models = (await ask("/v1/models")).data;
    $("model").replaceChildren(...models.map((m) => new Option(m.id, m.id)));
  } catch (error) {
    complain(error.message);
  }
  show([], prompts());
})();
