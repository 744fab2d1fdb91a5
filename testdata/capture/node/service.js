"use strict";
// The HTTP side of the Node services, and the paths to ask for.
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");

const path = process.env.CHANGE ? "/changed/" : "/item/";
exports.path = path;
exports.bases = () => [process.env.HTTPS_URL + path, process.env.HTTP_URL + path];
exports.changed = Boolean(process.env.CHANGE);

// Answers `GET /call/<n>` with what `answer(n)` comes to, as JSON.
exports.serve = (answer) => {
  const listener = async (request, response) => {
    let status = 200, said;
    try {
      said = await answer(request.url.split("/").pop());
    } catch (error) {
      console.error("failed:", error);
      [status, said] = [500, { error: String(error.code || error.message) }];
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(said));
  };
  const { CERT, KEY, PORT } = process.env;
  const files = CERT && { cert: fs.readFileSync(CERT), key: fs.readFileSync(KEY) };
  const server = CERT ? https.createServer(files, listener) : http.createServer(listener);
  server.listen(Number(PORT), "127.0.0.1");
};
