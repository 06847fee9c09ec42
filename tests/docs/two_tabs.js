// Two tabs of one browser show the example's page, and do what the lines that come in say.
"use strict";
const vm = require("node:vm");
const { createInterface } = require("node:readline");
const [base] = process.argv.slice(2);
const jar = new Map();

async function browserFetch(path, given = {}) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const reply = await fetch(base + path, { ...given, headers: { ...given.headers, cookie } });
  for (const line of reply.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (value) jar.set(name, value);
    else jar.delete(name);
  }
  return reply;
}

class Element {
  constructor(tag) { Object.assign(this, { tag, hidden: false, textContent: "", children: [] }); }
  append(...more) { this.children.push(...more); }
  replaceChildren(...these) { this.children = these; }
  reset() {}
}

class Tab {
  constructor(html) {
    const found = new Map();
    const document = {
      createElement: (tag) => new Element(tag),
      getElementById: (id) => found.get(id) || found.set(id, new Element(id)).get(id),
    };
    const fields = this;
    const FormData = class { *[Symbol.iterator]() { yield* Object.entries(fields.values); } };
    const Image = class extends Element {};
    vm.runInNewContext(/<script>([^]*)<\/script>/.exec(html)[1], { document, fetch: browserFetch, FormData, Image, setTimeout });
    this.at = document.getElementById;
  }
  submit(id, values) {
    this.values = values;
    return this.at(id).onsubmit({ preventDefault() {}, target: this.at(id) });
  }
  answer(text) {
    const names = this.at("answer").children.flatMap((each) => each.children).map((each) => each.name);
    return this.submit("answer", { [names[0]]: text });
  }
}

async function main() {
  const html = await (await fetch(base)).text();
  const tabs = [new Tab(html), new Tab(html)];
  const told = () => console.log(tabs.map((each) => each.at("told").textContent.replace(/,.*/, "")).join(" | "));
  await new Promise((done) => setTimeout(done, 500)); // both have their CSRF tokens
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, tab, ...values] = line.split(" ");
    const at = tabs[tab];
    if (verb === "sign-in") await at.submit("sign-in", { username: values[0], password: values[1] });
    if (verb === "click-twice") await Promise.all([at.answer(values[0]), at.answer(values[0])]);
    if (verb === "sign-out") await at.at("sign-out").onclick();
    told();
  }
}
main();
