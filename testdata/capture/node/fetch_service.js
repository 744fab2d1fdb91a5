"use strict";
const { bases, serve } = require("./service.js");

serve((n) => Promise.all(bases().map(async (base) => (await fetch(base + n)).json())));
