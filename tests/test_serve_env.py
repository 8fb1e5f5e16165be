"""Options of `clipc serve` as environment variables: ours by one rule, read off the help; Roboflow's own names with
--roboflow-env.  What is wrong is named by the variable that said it."""
import os
import re
import socket

import tap
from serving import Server, tmp, wanted

wanted()
help_text = tap.run("serve", "--help")[1].decode()
options = dict(re.findall(r"^  (?:-m, )?--([a-z-]+)(?: ([A-Z][A-Z=|]*|none\|text\|json))?", help_text, re.M))
options.pop("help", None)
tap.check(len(options) > 25 and options["port"] == "N" and options["allow-url"] == "" and "model" in options,
          "the help lists %d options" % len(options))


def variable(option):
    return "CLIPC_SERVE_" + option.upper().replace("-", "_")


def fails(*args, **environment):
    """(exit code, the error) of a start that should fail; a server that starts is ended."""
    server = Server(*args, **environment)
    code = server.stop() if server.port else server.process.wait(30)
    return code, server.text.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


# ---- One rule for all ---------------------------------------------------------------------------------------------

wrong = []
for option, argument in options.items():
    bad = {"": "maybe", "MODEL": None}.get(argument, "x" if argument in ("N", "MB", "MP", "SECONDS") else None)
    if bad is None:
        bad = {"allow-file": "/no/such", "allow-url-to": "10.0.0.0/99", "default": "nobody", "log": "loud", "model": "a.clipc",
               "host": "no.such.host.invalid", "api-key-file": "/no/such", "tls-cert": "/no/such"}.get(option)
    if bad is None:
        continue  # cors, url-hosts, url-deny, url-ca, tls-key: any text may stand there
    more = {"CLIPC_SERVE_TLS_KEY": "/no/such"} if option == "tls-cert" else {}
    code, err = fails(**{variable(option): bad, **more})
    named = variable(option) in err or (option in ("model", "host", "api-key-file", "tls-cert") and bad in err)
    if code not in (1, 2) or not named:
        wrong.append((option, code, err))
tap.check(not wrong, "a wrong value is an error that names the variable, or its value: %s" % wrong[:3])
for name, value, word in (("PORT", "70000", "$CLIPC_SERVE_PORT is 0 to 65535, not 70000"), ("QUEUE", "0", "$CLIPC_SERVE_QUEUE is 1 to"),
                          ("MAX_BODY", "-1", "$CLIPC_SERVE_MAX_BODY wants a whole number"),
                          ("PROT", "1", "did you mean CLIPC_SERVE_PORT?"), ("M", "a=b", "no option"), ("", "x", "no option"),
                          ("port", "9", "no option"), ("SOMETHING_ELSE", "1", "no option")):
    code, err = fails("--port", "0", **{"CLIPC_SERVE_" + name: value})
    tap.check(code == 2 and word in err, "CLIPC_SERVE_%s=%s: %s" % (name, value, err))
code, err = fails("--queue", "0")
tap.check(code == 2 and "--queue is 1 to" in err, "an option is named as one: " + err)
port = free_port()
server = Server(CLIPC_SERVE_PORT=port)
tap.check(server.port == int(port), "CLIPC_SERVE_PORT=%s: %s" % (port, server.text.strip()))
server.stop()
server = Server("--port", "0", CLIPC_SERVE_PORT=port, CLIPC_SERVE_QUEUE="")
tap.check(server.port not in (None, int(port)), "--port goes before it; an empty variable is none")
server.stop()
demo = os.path.abspath("weights/demo.clipc")


def models(server):
    import json
    return [m["id"] for m in json.loads(server.ask("GET", "/v1/models")[2])["data"]]


def default_model(server):
    return server.ask("POST", "/clip/embed_text", {"text": "a", "clip_version_id": None})[1].get("x-model-id")


both = "one=%s,two=%s" % (demo, demo)
server = Server(CLIPC_SERVE_MODEL=both, CLIPC_SERVE_DEFAULT="two", CLIPC_SERVE_CORS="*", CLIPC_SERVE_MAX_ITEMS="2",
                CLIPC_SERVE_ALLOW_FILE=tmp, CLIPC_SERVE_LOG="json")
tap.check(models(server) == ["one", "two"] and default_model(server) == "clip/two", "CLIPC_SERVE_MODEL, CLIPC_SERVE_DEFAULT")
headers = server.ask("POST", "/clip/embed_text", {"text": "a"}, {"Origin": "https://a.example"})[1]
body = server.post("/clip/compare", {"subject": "a", "subject_type": "text", "prompt": ["a", "b", "c"]})
picture = {"image": {"type": "file", "value": "none.png"}}
tap.check(headers.get("access-control-allow-origin") == "*" and "at once is 2" in str(body) and
          "no such picture" in str(server.post("/clip/embed_image", picture)), "CLIPC_SERVE_CORS, _MAX_ITEMS, _ALLOW_FILE")
server.stop()
server = Server("-m", "three=" + demo, CLIPC_SERVE_MODEL=both)
tap.check(models(server) == ["three"], "-m goes before CLIPC_SERVE_MODEL")
server.stop()
server = Server(CLIPC_MODEL=demo, CLIPC_SERVE_NO_AUTH="yes", CLIPC_SERVE_HOST="0.0.0.0")
tap.check(server.port and models(server) == ["default"], "CLIPC_MODEL, CLIPC_SERVE_NO_AUTH=yes, CLIPC_SERVE_HOST")
server.stop()
code, err = fails(CLIPC_SERVE_NO_AUTH="off", CLIPC_SERVE_HOST="0.0.0.0")
tap.check(code == 1 and "--no-auth" in err, "CLIPC_SERVE_NO_AUTH=off: " + err)

# ---- Roboflow's ---------------------------------------------------------------------------------------------------------

server = Server("--port", "0", CLIP_MAX_BATCH_SIZE="x", PORT="1", HOST="no.such.host.invalid")
tap.check(server.port is not None, "without --roboflow-env its variables mean nothing")
server.stop()
port = free_port()
server = Server("--roboflow-env", "-m", "RN50=" + demo, "-m", "ViT-B-16=" + demo, PORT=port, HOST="127.0.0.1", CLIP_MAX_BATCH_SIZE="2",
                CLIP_VERSION_ID="ViT-B-16", ALLOW_ORIGINS="https://a.example,https://b.example", API_LOGGING_ENABLED="True",
                ALLOW_NUMPY_INPUT="False", CORE_MODEL_CLIP_ENABLED="True", ENABLE_HTTPS="False", NUM_WORKERS="4", MODEL_CACHE_DIR="/tmp/x")
headers = server.ask("POST", "/clip/embed_text", {"text": "a"}, {"Origin": "https://b.example"})[1]
body = server.post("/clip/compare", {"subject": "a", "subject_type": "text", "prompt": ["a", "b", "c"]})
tap.check(server.port == int(port) and default_model(server) == "clip/ViT-B-16" and "at once is 2" in str(body) and
          headers.get("access-control-allow-origin") == "https://b.example",
          "PORT, HOST, CLIP_VERSION_ID, CLIP_MAX_BATCH_SIZE, ALLOW_ORIGINS, as a container has them")
server.stop()
server.log.seek(0)
tap.check(b'"path":"/clip/compare"' in server.log.read(), "API_LOGGING_ENABLED")
server = Server("--port", "0", CLIPC_SERVE_ROBOFLOW_ENV="true", PORT="1", CLIP_MAX_BATCH_SIZE="2", CLIPC_SERVE_MAX_ITEMS="3")
body = server.post("/clip/compare", {"subject": "a", "subject_type": "text", "prompt": ["a", "b", "c", "d"]})
tap.check(server.port != 1 and "at once is 3" in str(body), "ours go before Roboflow's, the command line before both: %s" % (body,))
server.stop()
if "libcurl yes" in tap.run("info", "--build")[1].decode():
    server = Server("--roboflow-env", ALLOW_URL_INPUT="True", ALLOW_NON_HTTPS_URL_INPUT="true", ALLOW_URL_INPUT_WITHOUT_FQDN="1",
                    WHITELISTED_DESTINATIONS_FOR_URL_INPUT="127.0.0.1,a.example", BLACKLISTED_DESTINATIONS_FOR_URL_INPUT="a.example",
                    ALLOW_URL_TO_NON_GLOBAL_ADDRESSES="True", MAX_IMAGE_URL_REDIRECTS="30")

    def ask(url):
        return server.post("/clip/embed_image", {"image": {"type": "url", "value": url}})[1]["message"]

    tap.check("decoded" in ask("http://127.0.0.1:1/a.png") and "host" in ask("http://a.example/a.png") and
              "host" in ask("https://b.example/"), "ALLOW_URL_INPUT and those beside it: " + ask("http://127.0.0.1:1/a.png"))
    server.stop()
    code, err = fails("--roboflow-env", ALLOW_NON_HTTPS_URL_INPUT="True")
    tap.check(code == 1 and "--allow-url" in err, "plain http alone: " + err)
else:
    tap.skip("URLs: a build without libcurl")
for name, value, word in (("PORT", "http", "whole number"), ("PORT", "70000", "65535"), ("CLIP_MAX_BATCH_SIZE", "0", "1 to"),
                          ("CLIP_VERSION_ID", "RN50x64", "no model"), ("ALLOW_URL_INPUT", "perhaps", "true or false"),
                          ("MAX_IMAGE_URL_REDIRECTS", "31", "0 to 30"), ("ALLOW_NUMPY_INPUT", "True", "pickles"),
                          ("ALLOW_NUMPY_INPUT", "2", "true or false"), ("CORE_MODEL_CLIP_ENABLED", "False", "CLIP"),
                          ("ALLOW_LOADING_IMAGES_FROM_LOCAL_FILESYSTEM", "True", "--allow-file"), ("ENABLE_HTTPS", "True", "SSL_CERTFILE"),
                          ("SSL_KEYFILE_PASSWORD", "word", "no such"), ("API_LOGGING_ENABLED", "loud", "true or false"),
                          ("ALLOW_URL_TO_NON_GLOBAL_ADDRESSES", "loud", "true or false")):
    code, err = fails("--roboflow-env", **{name: value})
    tap.check(code in (1, 2) and "$" + name in err and word in err, "%s=%s: %s" % (name, value, err))
code, err = fails("--roboflow-env", HOST="0.0.0.0")
tap.check(code == 1 and "--no-auth" in err, "HOST=0.0.0.0 wants keys as --host does: " + err)
tap.done()
