// node lines.mjs ./define.mjs: one event a line in, one event a line out
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";

const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr); // for what a handler prints

const { handler } = await import(new URL(process.argv[2], import.meta.url));
for await (const line of createInterface({ input: process.stdin })) {
  const ends = Date.now() + 5000;
  const reply = new Promise((succeed, fail) => {
    const done = (error, given) => (error ? fail(error) : succeed(given));
    const context = {
      functionName: "define",
      functionVersion: "$LATEST",
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:define",
      memoryLimitInMB: "128",
      awsRequestId: randomUUID(),
      logGroupName: "/aws/lambda/define",
      logStreamName: "local",
      getRemainingTimeInMillis: () => Math.max(0, ends - Date.now()),
      done,
      succeed,
      fail,
    };
    const given = handler(JSON.parse(line), context, done);
    // Who takes a context or a callback may answer by it later.
    if (given?.then || given?.response || handler.length < 2) succeed(given);
  });
  const text = await reply
    .then((given) => JSON.stringify(given ?? null))
    .catch((error) => JSON.stringify({ errorMessage: String(error) }));
  answer(`${text}\n`);
}
