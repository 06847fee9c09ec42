// node lines.mjs ./define.mjs: one event a line in, one event a line out
import { createInterface } from "node:readline";

const { handler } = await import(new URL(process.argv[2], import.meta.url));
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await handler(JSON.parse(line));
  } catch (error) {
    reply = { errorMessage: String(error) };
  }
  console.log(JSON.stringify(reply));
}
