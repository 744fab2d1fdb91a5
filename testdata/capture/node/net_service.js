"use strict";
// HTTP spoken by hand over `net` and `tls` sockets.
const net = require("node:net");
const tls = require("node:tls");
const { bases, serve } = require("./service.js");

function ask(url) {
  const { protocol, hostname, port, pathname } = new URL(url);
  const to = { host: hostname, port: Number(port), servername: hostname };
  return new Promise((resolve, reject) => {
    const socket = protocol === "https:" ? tls.connect(to) : net.connect(to);
    const chunks = [];
    socket.once("error", reject);
    socket.on("data", (chunk) => chunks.push(chunk));
    const from = () => socket.remotePort === Number(port);
    let peer;
    socket.on(protocol === "https:" ? "secureConnect" : "connect", () => { peer = from(); });
    socket.on("end", () => {
      const [head, body] = Buffer.concat(chunks).toString().split("\r\n\r\n");
      resolve([head.split("\r\n")[0], peer, JSON.parse(body)]);
      socket.end();
    });
    socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);
  });
}

serve(async (n) => [await ask(bases()[0] + n), await ask(bases()[1] + n)]);
