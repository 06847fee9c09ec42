// Drives amazon-cognito-identity-js for test_identity_js.py: a command a line on stdin, an event a
// line on stdout, both JSON. What an event is called is what the library calls its callback.

'use strict';

const readline = require('node:readline');
const {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserPool,
} = require('amazon-cognito-identity-js');

let user;

function tell(event, members = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...members })}\n`);
}

const callbacks = {
  onSuccess(session) {
    // confirmPassword succeeds with a word, and everything else with a session.
    if (typeof session.getAccessToken !== 'function') return tell('onSuccess');
    return tell('onSuccess', {
      accessToken: session.getAccessToken().getJwtToken(),
      idToken: session.getIdToken().getJwtToken(),
      refreshToken: session.getRefreshToken().getToken(),
      valid: session.isValid(),
    });
  },
  onFailure: error => tell('onFailure', { code: error.code, message: error.message }),
  customChallenge: parameters => tell('customChallenge', { parameters }),
  newPasswordRequired: (attributes, required) =>
    tell('newPasswordRequired', { attributes, required }),
  inputVerificationCode: data => tell('inputVerificationCode', data),
};

const commands = {
  begin({ endpoint, userPoolId, clientId, username }) {
    const pool = new CognitoUserPool({ UserPoolId: userPoolId, ClientId: clientId, endpoint });
    user = new CognitoUser({ Username: username, Pool: pool });
    tell('begun');
  },
  authenticateUser({ flow, username, password }) {
    user.setAuthenticationFlowType(flow);
    const details = new AuthenticationDetails({ Username: username, Password: password });
    user.authenticateUser(details, callbacks);
  },
  initiateAuth({ username }) {
    user.setAuthenticationFlowType('CUSTOM_AUTH');
    user.initiateAuth(new AuthenticationDetails({ Username: username }), callbacks);
  },
  sendCustomChallengeAnswer: ({ answer }) => user.sendCustomChallengeAnswer(answer, callbacks),
  completeNewPasswordChallenge: ({ password, attributes }) =>
    user.completeNewPasswordChallenge(password, attributes, callbacks),
  forgotPassword: () => user.forgotPassword(callbacks),
  confirmPassword: ({ code, password }) => user.confirmPassword(code, password, callbacks),
  refreshSession() {
    const token = user.getSignInUserSession().getRefreshToken();
    user.refreshSession(token, (error, session) =>
      error ? callbacks.onFailure(error) : callbacks.onSuccess(session),
    );
  },
};

readline.createInterface({ input: process.stdin }).on('line', line => {
  const { command, ...members } = JSON.parse(line);
  commands[command](members);
});
