// All triggers of an account's life in one function, written as AWS's own examples are.
const oldUsers = { grace: ["Gr4ce-Horse", "grace@example.org"] };

export const handler = async (event) => {
  const { request, response } = event;
  const [trigger, source] = event.triggerSource.split("_");
  const word = request.clientMetadata?.word;
  switch (trigger) {
    case "PreSignUp":
      if (word === "thieves") throw new Error("no strangers.");
      response.autoConfirmUser = response.autoVerifyEmail = word === "swordfish";
      break;
    case "CustomMessage": {
      const who = request.usernameParameter ?? event.userName;
      const text = `${source}, ${who}: ${request.codeParameter}`;
      response.smsMessage = response.emailMessage = text;
      response.emailSubject = source;
      break;
    }
    case "TokenGeneration":
      response.claimsOverrideDetails = { claimsToAddOrOverride: { made_by: source } };
      break;
    case "UserMigration": {
      const [password, email] = oldUsers[event.userName];
      if (source === "Authentication" && request.password !== password) {
        throw new Error("bad password");
      }
      response.userAttributes = { email, email_verified: "true" };
      response.finalUserStatus = "CONFIRMED";
      response.messageAction = "SUPPRESS";
      break;
    }
    case "PostConfirmation":
      if (word === "late") throw new Error("the house is full.");
  }
  return event;
};
