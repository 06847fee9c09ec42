// Drives amazon-cognito-identity-js for test_identity_js.py: a command a line on stdin, an event a
// line on stdout, both JSON. What an event is called is what the library calls its callback.

'use strict';

const readline = require('node:readline');
const {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
} = require('amazon-cognito-identity-js');

let user;

function tell(event, members = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...members })}\n`);
}

const callbacks = {
  onSuccess(session, confirmationNecessary) {
    // confirmPassword succeeds with a word, verifySoftwareToken with a reply, and all else with a
    // session.
    if (typeof session.getAccessToken !== 'function') return tell('onSuccess', { value: session });
    return tell('onSuccess', {
      accessToken: session.getAccessToken().getJwtToken(),
      idToken: session.getIdToken().getJwtToken(),
      refreshToken: session.getRefreshToken().getToken(),
      valid: session.isValid(),
      confirmationNecessary,
    });
  },
  onFailure: error => tell('onFailure', { code: error.code, message: error.message }),
  customChallenge: parameters => tell('customChallenge', { parameters }),
  newPasswordRequired: (attributes, required) =>
    tell('newPasswordRequired', { attributes, required }),
  inputVerificationCode: data => tell('inputVerificationCode', data),
  mfaRequired: (name, parameters) => tell('mfaRequired', { name, parameters }),
  totpRequired: (name, parameters) => tell('totpRequired', { name, parameters }),
  selectMFAType: (name, parameters) => tell('selectMFAType', { name, parameters }),
  mfaSetup: (name, parameters) => tell('mfaSetup', { name, parameters }),
  associateSecretCode: secret => tell('associateSecretCode', { secret }),
};

// Where the library has one callback for both, error first.
const told = (error, value) => (error ? callbacks.onFailure(error) : tell('onSuccess', { value }));

const attributesOf = named =>
  Object.entries(named).map(([Name, Value]) => new CognitoUserAttribute({ Name, Value }));

// Where what comes of it is no session.
const valued = { onSuccess: value => told(null, value), onFailure: callbacks.onFailure };

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
  signUp({ username, password, attributes, metadata }) {
    const made = (error, value) => told(error, value && { ...value, user: value.user.getUsername() });
    const given = attributesOf(attributes);
    user.pool.signUp(username, password, given, attributesOf(metadata), made, metadata);
  },
  confirmRegistration: ({ code, force = false }) => user.confirmRegistration(code, force, told),
  resendConfirmationCode: () => user.resendConfirmationCode(told),
  changePassword: ({ old, password }) => user.changePassword(old, password, told),
  getUserAttributes: () => user.getUserAttributes(told),
  updateAttributes({ attributes }) {
    const changed = (error, value, reply) => told(error, { value, ...reply });
    user.updateAttributes(attributesOf(attributes), changed);
  },
  deleteAttributes: ({ names }) => user.deleteAttributes(names, told),
  getAttributeVerificationCode: ({ name }) => user.getAttributeVerificationCode(name, callbacks),
  verifyAttribute: ({ name, code }) => user.verifyAttribute(name, code, valued),
  enableMFA: () => user.enableMFA(told),
  disableMFA: () => user.disableMFA(told),
  getMFAOptions: () => user.getMFAOptions(told),
  getSession: () =>
    user.getSession((error, session) =>
      error ? callbacks.onFailure(error) : callbacks.onSuccess(session),
    ),
  globalSignOut: () => user.globalSignOut(valued),
  deleteUser: () => user.deleteUser(told),
  sendMFACode: ({ code, type }) => user.sendMFACode(code, callbacks, type),
  sendMFASelectionAnswer: ({ type }) => user.sendMFASelectionAnswer(type, callbacks),
  associateSoftwareToken: () => user.associateSoftwareToken(callbacks),
  verifySoftwareToken: ({ code, name }) => user.verifySoftwareToken(code, name, callbacks),
  setUserMfaPreference: ({ sms, totp }) => user.setUserMfaPreference(sms, totp, told),
  getUserData: () => user.getUserData(told, { bypassCache: true }),
  listDevices: ({ limit }) => user.listDevices(limit, null, valued),
  setDeviceStatusRemembered: () => user.setDeviceStatusRemembered(valued),
  forgetDevice: () => user.forgetDevice(valued),
  signOut() {
    // What it knows of the device stays; the session of whoever was signed in does not.
    user.signOut();
    tell('signedOut');
  },
};

readline.createInterface({ input: process.stdin }).on('line', line => {
  const { command, ...members } = JSON.parse(line);
  commands[command](members);
});
