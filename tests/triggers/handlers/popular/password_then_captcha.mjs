// The commonest Define there is: the password, then one challenge. Nobody thinks of unknown users.
export const handler = async (event) => {
  const { session } = event.request;
  const decide = (challengeName, issueTokens, failAuthentication) =>
    Object.assign(event.response, { challengeName, issueTokens, failAuthentication });
  if (session.length === 1 && session[0].challengeName === "SRP_A") {
    decide("PASSWORD_VERIFIER", false, false);
  } else if (
    session.length === 2 &&
    session[1].challengeName === "PASSWORD_VERIFIER" &&
    session[1].challengeResult === true
  ) {
    decide("CUSTOM_CHALLENGE", false, false);
  } else if (
    session.length === 3 &&
    session[2].challengeName === "CUSTOM_CHALLENGE" &&
    session[2].challengeResult === true
  ) {
    decide(undefined, true, false);
  } else {
    decide(undefined, false, true);
  }
  return event;
};
