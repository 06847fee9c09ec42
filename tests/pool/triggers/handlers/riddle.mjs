// A custom sign-in in one function: the password first if SRP came, then a riddle.
export const handler = async (event) => {
  const { request, response } = event;
  switch (event.triggerSource.split("_")[0]) {
    case "DefineAuthChallenge": {
      const last = request.session.at(-1);
      const rounds = request.session.filter((one) => one.challengeName === "CUSTOM_CHALLENGE");
      response.issueTokens = last?.challengeName === "CUSTOM_CHALLENGE" && last.challengeResult;
      response.failAuthentication = rounds.length === 3 && !response.issueTokens;
      response.challengeName =
        last?.challengeName === "SRP_A" ? "PASSWORD_VERIFIER" : "CUSTOM_CHALLENGE";
      break;
    }
    case "CreateAuthChallenge":
      response.publicChallengeParameters = { question: "2+2" };
      response.privateChallengeParameters = { answer: "4" };
      response.challengeMetadata = "RIDDLE";
      break;
    default:
      if (request.challengeAnswer === "throw") throw new Error("no more riddles.");
      response.answerCorrect =
        request.challengeAnswer === request.privateChallengeParameters.answer;
  }
  return event;
};
