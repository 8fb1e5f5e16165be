"""/openapi.json and /docs are true: the description has each route of the table and no other, what it refers to is there,
each of its examples is answered, and the answers have the fields that it says."""
import json
import re

import tap
from serving import Server, wanted

wanted()
server = Server("--max-items", "3")
status, headers, data = server.ask("GET", "/openapi.json")
tap.check(status == 200 and headers["content-type"] == "application/json", "/openapi.json")
api = json.loads(data)
tap.check(api["openapi"].startswith("3.0") and api["info"]["version"] == json.loads(server.ask("GET", "/info")[2])["version"],
          "its version is the server's: " + api["info"]["version"])
table = set(re.findall(r'\{"(GET|POST)", "([^"]+)"', open("tools/server/routes.c").read()))
table = {(m, p) for m, p in table if not p.startswith("/page/")}  # parts of the pages
operations = {(m.upper(), p): o for p, methods in api["paths"].items() for m, o in methods.items()}
described = {(m, re.sub(r"\{\w+\}", "*", p)) for m, p in operations}
tap.check(described == table and len(table) > 20, "%d routes, described and there: %s" % (len(table), described ^ table))
tags = {t["name"] for t in api["tags"]}
tap.check(all(o["summary"] and set(o["tags"]) <= tags for o in operations.values()), "each has a summary and a family")


def resolve(x):
    """What a {"$ref"} means."""
    while "$ref" in x:
        path = x["$ref"].split("/")
        assert path[0] == "#"
        x = api
        for part in path[1:]:
            x = x[part]
    return x


def follow_all(x):
    if isinstance(x, dict):
        if "$ref" in x:
            resolve(x)
        for v in x.values():
            follow_all(v)
    elif isinstance(x, list):
        for v in x:
            follow_all(v)
    return True


tap.check(follow_all(api), "every reference leads somewhere")


def fits(value, schema):
    """The part of JSON Schema that the description uses."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return any(fits(value, s) for s in schema["oneOf"])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if value is None:
        return schema.get("nullable", False)
    if "type" in schema and (not isinstance(value, kinds[schema["type"]]) or value not in schema.get("enum", [value])):
        return False
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        known = "additionalProperties" in schema or not fields or set(value) <= set(fields)
        return (set(schema.get("required", [])) <= set(value) and known and
                all(fits(v, fields.get(k, schema.get("additionalProperties", {}))) for k, v in value.items()))
    if isinstance(value, list):
        return all(fits(v, schema.get("items", {})) for v in value)
    return True


wrong = []
for (method, path), o in operations.items():
    for p in o.get("parameters", []):
        path = path.replace("{%s}" % p["name"], p["example"])
    accepted = o.get("requestBody", {}).get("content", {})
    body = accepted["application/json"]["example"] if accepted else None
    status, headers, data = server.ask(method, path, body)
    kind, = o["responses"]["200"]["content"]
    if status != 200 or not headers["content-type"].startswith(kind) or (
            body and not fits(body, accepted["application/json"]["schema"])):
        wrong.append((path, status, headers["content-type"], data[:100]))
    elif kind == "application/json" and not fits(json.loads(data), o["responses"]["200"]["content"][kind]["schema"]):
        wrong.append((path, "shape", data[:100]))
tap.check(not wrong, "each example is answered, in the shape described: %s" % wrong[:3])
wrong = []
for path, body, status in (("/clip/embed_text", {}, 422), ("/clip/embed_text", {"text": []}, 400), ("/v1/embeddings", {}, 400),
                           ("/clip/embed_text", {"text": "a", "clip_version_id": "x"}, 404), ("/embed", {}, 422),
                           ("/v1/embeddings", {"input": "a", "model": "x"}, 404), ("/v1/classify", {"labels": []}, 400),
                           ("/embed", {"inputs": "circle " * 500}, 400), ("/model/add", {"model_id": "x"}, 404)):
    got = server.ask("POST", path, body)
    said = resolve(operations["POST", path]["responses"][str(status)])["content"]["application/json"]["schema"]
    if got[0] != status or not fits(json.loads(got[2]), said):
        wrong.append((path, body, got))
tap.check(not wrong, "and mistakes are: %s" % wrong[:3])
status, headers, data = server.ask("GET", "/docs")
page = data.decode() + server.ask("GET", "/page/docs.js")[2].decode()
outside = re.findall(r"""(?:src|href)="(?!/|data:)[^"]*"|https?://(?!127)[^\s"'`]+""", page)
tap.check(status == 200 and not outside and "default-src 'self'" in headers["content-security-policy"],
          "/docs takes nothing from elsewhere: %s" % outside)
tap.check(server.stop() == 0, "SIGTERM ends it with 0")
tap.done()
