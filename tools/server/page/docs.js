// The routes of /openapi.json as a page: one section for each family, one article for each route.
"use strict";

function element(name, text, parent, className) {
  const e = document.createElement(name);
  e.textContent = text;
  if (className) e.className = className;
  parent.append(e);
  return e;
}

// A POSIX shell's quotes around text that may hold some.
const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

function curl(method, path, operation) {
  for (const p of operation.parameters || []) path = path.replace(`{${p.name}}`, p.example);
  const body = operation.requestBody?.content["application/json"].example;
  const url = quoted(location.origin + path);
  if (body) return `curl -s ${url} --json ${quoted(JSON.stringify(body))}`;
  return method === "get" ? `curl -s ${url}` : `curl -s -X ${method.toUpperCase()} ${url}`;
}

function copyButton(text, parent) {
  const button = element("button", "Copy", parent);
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

function show(method, path, operation, section) {
  const article = element("article", "", section);
  const title = element("h3", "", article);
  element("span", method.toUpperCase(), title, "method");
  element("code", path, title);
  element("p", operation.summary + (operation.description ? ". " + operation.description : ""), article);
  const call = curl(method, path, operation);
  const pre = element("pre", "", article);
  pre.tabIndex = 0; // long ones scroll, by the keyboard too
  element("code", call, pre);
  copyButton(call, article);
}

async function start() {
  const main = document.getElementById("routes"), nav = document.getElementById("families");
  const api = await (await fetch("/openapi.json")).json();
  main.textContent = "";
  api.tags.forEach(({ name }, i) => {
    const section = element("section", "", main);
    section.id = `family-${i}`;
    element("h2", name, section);
    element("a", name, nav).href = `#${section.id}`;
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(name)) show(method, path, operation, section);
      }
    }
  });
  document.body.dataset.ready = "yes";
}

start().catch((e) => { document.getElementById("routes").textContent = `/openapi.json: ${e.message}`; });
