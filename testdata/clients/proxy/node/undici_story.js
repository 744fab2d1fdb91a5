// Asks with fetch, through undici's agent that looks at the environment.

const fs = require("node:fs");
const crypto = require("node:crypto");
const { EnvHttpProxyAgent, fetch, setGlobalDispatcher } = require("undici");

const { PLAIN, OTHER, SECURE, OUT } = process.env;
const lines = [];

async function say(url, options) {
  const answer = await fetch(url, options);
  const body = Buffer.from(await answer.arrayBuffer());
  const digest = crypto.createHash("sha256").update(body).digest("hex").slice(0, 8);
  lines.push(`${answer.status} ${body.length} ${digest} ${body.toString("utf8").slice(0, 40).trim()}`);
}

async function main() {
  setGlobalDispatcher(new EnvHttpProxyAgent());
  for (const url of [`${PLAIN}/a?x=1`, `${OTHER}/b`, `${PLAIN}/a?x=2`, `${OTHER}/missing`]) {
    await say(url);
  }
  const json = (n) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ n }) });
  await say(`${PLAIN}/echo`, json(1));
  await say(`${PLAIN}/large`);
  for (const n of [0, 1, 2]) {
    await say(`${SECURE}/secret?n=${n}`);
  }
  await say(`${SECURE}/echo`, json(2));
  fs.writeFileSync(OUT, lines.join("\n") + "\n");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
