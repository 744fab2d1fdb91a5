"use strict";
// Three workers that share one port; each is its own process.
const cluster = require("node:cluster");

if (cluster.isPrimary) {
  for (let i = 0; i < 3; i++) cluster.fork();
  const end = () => { for (const worker of Object.values(cluster.workers)) worker.kill(); process.exit(0); };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
} else {
  require("./fetch_service.js");
}
