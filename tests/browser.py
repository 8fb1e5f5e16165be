"""The page of `clipc serve` in a real browser (Chromium, by WebDriver), with its camera fed from a video made here:
an empty table, the picture HIT for two seconds, another picture.  A white corner of the frame marks the time in
which HIT is there, so that each noted hit can be held against it.

usage: python3 tests/browser.py CLIPC HIT PROMPT OTHER [FOLDER FOR SCREENSHOTS]"""
import base64
import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

import tap

clipc, hit, prompt, other = sys.argv[1:5]
shots = sys.argv[5] if len(sys.argv) > 5 else None
tmp = tempfile.mkdtemp()
W, H, RATE = 320, 240, 10


def frame(picture, marked):
    """One Y4M frame, 4:2:0, full range as JPEG's."""
    image = Image.new("RGB", (W, H), (40, 90, 60))
    if picture:
        image.paste(Image.open(picture).convert("RGB").resize((200, 200)), (60, 20))
    image.paste((255, 255, 255) if marked else (0, 0, 0), (0, 0, 24, 24))
    y, cb, cr = (np.asarray(c) for c in image.convert("YCbCr").split())

    def half(c):
        return c.reshape(H // 2, 2, W // 2, 2).mean((1, 3)).round().astype(np.uint8)
    return b"FRAME\n" + y.tobytes() + half(cb).tobytes() + half(cr).tobytes()


with open(tmp + "/camera.y4m", "wb") as f:
    f.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (W, H, RATE))
    f.write(frame(None, False) * (2 * RATE) + frame(hit, True) * (2 * RATE) + frame(other, False) * (2 * RATE))


def start(command, ready, **keywords):
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **keywords)
    for line in p.stdout:
        if ready in line:
            return p, line
    raise SystemExit("%s did not start" % command[0])


server, line = start([clipc, "serve", "--port", "0"], "serving on")
url = line.split()[-1]
driver, line = start(["chromedriver", "--port=0"], "started successfully")
port = int(line.rstrip(".\n").split()[-1])


def command(method, path, body=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    value = json.loads(c.getresponse().read())["value"]
    if isinstance(value, dict) and "error" in value:
        raise RuntimeError(value["message"])
    return value


try:
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update", "--user-data-dir=" + tmp + "/profile",
                 "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--window-size=1100,900",
                 "--use-file-for-fake-video-capture=" + tmp + "/camera.y4m"]
    session = "/session/" + command("POST", "/session", {"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]

    def script(text, *args):
        return command("POST", session + "/execute/sync", {"script": text, "args": list(args)})

    def shot(name):
        if shots:
            open("%s/%s.png" % (shots, name), "wb").write(base64.b64decode(command("GET", session + "/screenshot")))

    command("POST", session + "/url", {"url": url})
    for _ in range(100):
        if script("return document.querySelector('#model').options.length") > 0:
            break
        time.sleep(0.1)
    tap.check(script("return document.querySelector('#model').value") == "demo", "the page lists the models")
    shot("1-empty")
    prompts = prompt + "\na green triangle\n<b>no markup</b>"
    script("const p = document.querySelector('#prompts'); p.value = arguments[0]; p.dispatchEvent(new Event('input'))", prompts)

    # A file, as by the chooser.
    element = command("POST", session + "/element", {"using": "css selector", "value": "#file"})
    command("POST", session + "/element/" + list(element.values())[0] + "/value", {"text": os.path.abspath(hit)})
    for _ in range(100):
        if script("return document.querySelectorAll('.bars .value small').length") == 3:
            break
        time.sleep(0.1)
    names = script("return [...document.querySelectorAll('.bars .name')].map(x => x.textContent)")
    tap.check(names == prompts.split("\n"), "a bar for each prompt, in their order, as text: %s" % names)
    got = script("return [...document.querySelectorAll('.bars .value small')].map(x => parseFloat(x.textContent))")
    want = json.loads(subprocess.run([clipc, "classify", hit, "--json", "--scores"] + prompts.split("\n"),
                                     stdout=subprocess.PIPE).stdout)[0]["labels"]
    want = {x["label"]: x["cosine"] for x in want}
    tap.check(all(abs(g - want[n]) < 0.05 for g, n in zip(got, names)), "cosines are near the command's (the page sends a "
              "JPEG): %s, %s" % (got, [round(want[n], 3) for n in names]))
    tap.check(script("return document.querySelectorAll('#hits li[data-prompt]').length") == 1 and
              script("return document.querySelector('#matched').textContent") == prompt, "the picture is a hit of its prompt")
    shot("2-picture")
    script("document.querySelector('#clear').click(); document.querySelector('#pair').open = true")
    element = command("POST", session + "/element", {"using": "css selector", "value": "#second"})
    command("POST", session + "/element/" + list(element.values())[0] + "/value", {"text": os.path.abspath(hit)})
    for _ in range(100):
        if script("return document.querySelector('#similarity').textContent"):
            break
        time.sleep(0.1)
    similar = script("return document.querySelector('#similarity').textContent")
    tap.check(float(similar.split()[-1]) > 0.97, "a picture compared with itself: " + similar)
    curl = script("return curl()")
    if shutil.which("curl"):
        shutil.copy(hit, tmp + "/picture.jpg")
        out = subprocess.run(["bash", "-c", curl], cwd=tmp, stdout=subprocess.PIPE).stdout
        tap.check(json.loads(out)["results"][0][0]["label"] == prompt, "the curl command of the page works: " + curl[:80])

    # The webcam: three rounds of six seconds.
    script("document.querySelector('#pair').open = false; document.querySelector('#camera').click()")
    time.sleep(3)
    shot("3-webcam")
    time.sleep(18)
    hits = script("return [...document.querySelectorAll('#hits li[data-prompt]')].map(li => "
                  "[li.dataset.prompt, li.querySelector('img').src, li.querySelector('time').dateTime])")
    rate = script("return document.querySelector('#rate').textContent")
    shot("4-hits")
    mine = [h for h in hits if h[0] == prompt]
    corners = [np.asarray(Image.open(io.BytesIO(base64.b64decode(h[1].split(",")[1]))).convert("L"))[4:16, 4:16].mean()
               for h in mine]
    tap.check(2 <= len(mine) <= 5 and all(c > 128 for c in corners), "the webcam's %d hits each show the frames that have "
              "it: corners %s" % (len(mine), np.round(corners).tolist()))
    when = [time.strptime(h[2][:19], "%Y-%m-%dT%H:%M:%S") for h in reversed(mine)]
    gaps = [time.mktime(b) - time.mktime(a) for a, b in zip(when, when[1:])]
    tap.check(all(abs(g - 6) <= 1.5 for g in gaps), "one for each round of six seconds: %s" % gaps)
    tap.check("frames/s" in rate and float(rate.split()[0]) > 1, "at " + rate)
    script("document.querySelector('#camera').click()")
    log = [e["message"] for e in command("POST", session + "/se/log", {"type": "browser"}) if e["level"] in ("SEVERE", "WARNING")]
    tap.check(not log, "the browser has nothing to complain about %s" % log[:3])
    for name, width in (("5-narrow", 420),):
        command("POST", session + "/window/rect", {"width": width, "height": 900})
        wide = script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        tap.check(wide <= 0, "no sideways scrolling at %d pixels" % width)
        shot(name)
    command("POST", session + "/goog/cdp/execute",
            {"cmd": "Emulation.setEmulatedMedia", "params": {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}})
    command("POST", session + "/window/rect", {"width": 1100, "height": 900})
    shot("6-dark")
    # Tab reaches every control.
    reached = set()
    script("document.activeElement.blur()")
    for _ in range(25):
        command("POST", session + "/actions", {"actions": [{"type": "key", "id": "k", "actions": [
            {"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]})
        reached.add(script("return document.activeElement.id"))
    tap.check({"model", "drop", "choose", "camera", "prompts", "threshold", "copy", "clear"} <= reached,
              "the keyboard reaches every control")

    # The routes: each call that /docs shows is run.
    command("POST", session + "/url", {"url": url + "/docs"})
    for _ in range(100):
        if script("return document.body.dataset.ready") == "yes":
            break
        time.sleep(0.1)
    calls = script("return [...document.querySelectorAll('pre code')].map(x => x.textContent)")
    tap.check(len(calls) > 20, "/docs shows %d calls" % len(calls))
    shot("7-docs-dark")
    if shutil.which("curl"):
        codes = [subprocess.run(["bash", "-c", c + " -o /dev/null -w '%{http_code}'"], stdout=subprocess.PIPE).stdout for c in calls]
        wrong = [(c[:80], code) for c, code in zip(calls, codes) if code != b"200"]
        tap.check(not wrong, "and each of them works: %s" % wrong[:3])
    command("POST", session + "/window/rect", {"width": 420, "height": 900})
    wide = script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    tap.check(wide <= 0, "no sideways scrolling there")
    command("POST", session + "/goog/cdp/execute",
            {"cmd": "Emulation.setEmulatedMedia", "params": {"features": [{"name": "prefers-color-scheme", "value": "light"}]}})
    shot("8-docs-narrow")
    log = [e["message"] for e in command("POST", session + "/se/log", {"type": "browser"}) if e["level"] in ("SEVERE", "WARNING")]
    tap.check(not log, "nothing to complain about there either %s" % log[:3])
finally:
    try:
        command("DELETE", session)
    except Exception:
        pass
    driver.kill()
    server.send_signal(signal.SIGTERM)
    server.wait(40)
    shutil.rmtree(tmp, ignore_errors=True)
tap.done()
