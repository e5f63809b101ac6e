// Loaded by node before jsii, see loading.py: lets the index of the AWS provider's bindings load a
// resource type when it is first used. Left alone it loads all 2,200 of them. A line of another form
// than these is left as it is, and then costs time, nothing else.
const Module = require("node:module");

const INDEX = /provider-aws[\\/]lib[\\/]index\.js$/;
const EXPORT = /^exports\.(\w+) = (.*\brequire\(["'][^"']+["']\).*);$/gm;

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...others) {
  const text = INDEX.test(filename) ? content.replace(EXPORT, lazily) : content;
  return compile.call(this, text, filename, ...others);
};

function lazily(_, name, value) {
  const once = `Object.defineProperty(exports, "${name}", { enumerable: true, value })`;
  const get = `get() { const value = ${value}; ${once}; return value; }`;
  return `Object.defineProperty(exports, "${name}", { configurable: true, enumerable: true, ${get} });`;
}
