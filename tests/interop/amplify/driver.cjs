// Drives Amplify's Auth for test_amplify.py: a command a line on stdin, a line of JSON for each on
// stdout. A command is what the library calls its function, with that function's input.

'use strict';

// What browsers have, and Node since versions 19 and 21. Without a navigator no device is confirmed,
// and Amplify says nothing about it.
globalThis.crypto ??= require('node:crypto').webcrypto;
globalThis.navigator ??= { userAgent: 'Node' };

const readline = require('node:readline');
const { Amplify } = require('aws-amplify');
const auth = require('aws-amplify/auth');

const commands = {
  configure: Cognito => Amplify.configure({ Auth: { Cognito } }),
  async fetchAuthSession(options) {
    const { tokens } = await auth.fetchAuthSession(options);
    return { accessToken: tokens?.accessToken.payload, idToken: tokens?.idToken.payload };
  },
};

async function obey({ command, input }) {
  try {
    const value = await (commands[command] ?? auth[command])(input);
    return { value: value ?? null };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', async line => {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line)))}\n`);
});
// A sign-up that signs in keeps a timer of minutes.
lines.on('close', () => process.exit());
