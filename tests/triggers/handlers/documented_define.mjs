// Define as a sample in AWS's documentation has it: its first branch tests the wrong thing.
export const handler = async (event) => {
  const { session } = event.request;
  const decide = (challengeName, issueTokens, failAuthentication) =>
    Object.assign(event.response, { challengeName, issueTokens, failAuthentication });
  if (!Array.isArray(session) || session.length) {
    decide("CUSTOM_CHALLENGE", false, false);
  } else if (session.length === 1 && session[0].challengeResult) {
    decide(null, true, false);
  } else {
    decide(null, false, true);
  }
  return event;
};
