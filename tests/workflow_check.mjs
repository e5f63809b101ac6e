// Prints what GitHub's own validator, that of its editor, has against workflow files.
import {readFileSync} from "node:fs";
import {register} from "node:module";

// It imports JSON as bundlers do it; node wants to be told that this is JSON.
const hook = `export const load = (url, context, next) =>
    next(url, url.endsWith(".json") ? {...context, importAttributes: {type: "json"}} : context)`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const {validate} = await import("@actions/languageservice/validate");
const {registerLogger} = await import("@actions/languageservice/log");
const {TextDocument} = await import("vscode-languageserver-textdocument");

// The inputs of actions that are used here, and whether they have to be given: an editor asks GitHub.
const INPUTS = {
    "actions/checkout": {"persist-credentials": false, "fetch-depth": false},
    "actions/cache/restore": {path: true, key: true, "restore-keys": false},
    "actions/cache/save": {path: true, key: true},
    "actions/upload-artifact": {path: true, name: false, "retention-days": false},
    "aws-actions/configure-aws-credentials": {
        "aws-region": true, "role-to-assume": false, "role-duration-seconds": false,
    },
};

function inputs({owner, name, path}) {
    const known = INPUTS[[owner, name, path].filter(Boolean).join("/")];
    return known && {inputs: Object.fromEntries(
        Object.entries(known).map(([input, required]) => [input, {required}]),
    )};
}

function fault(message) {
    console.log(message);
    process.exitCode = 1;
}

// What goes wrong in the validator itself, it only logs.
registerLogger({log() {}, info() {}, warn() {}, error: fault});
for (const file of process.argv.slice(2)) {
    const document = TextDocument.create(`file:///${file}`, "yaml", 1, readFileSync(file, "utf8"));
    const config = {actionsMetadataProvider: {fetchActionMetadata: async (action) => inputs(action)}};
    for (const {range, message} of await validate(document, config))
        fault(`${file}:${range.start.line + 1}: ${message}`);
}
