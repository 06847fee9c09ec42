// The documented Define as it was meant: one custom challenge, passed by a user who exists.
export const handler = async (event) => {
  const session = event.request.session ?? [];
  const passed =
    session.length === 1 &&
    session[0].challengeName === "CUSTOM_CHALLENGE" &&
    session[0].challengeResult === true &&
    !event.request.userNotFound;
  event.response.challengeName = session.length ? null : "CUSTOM_CHALLENGE";
  event.response.issueTokens = passed;
  event.response.failAuthentication = session.length > 0 && !passed;
  return event;
};
