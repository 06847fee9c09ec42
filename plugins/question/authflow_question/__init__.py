"""A question that the user has answered before, as an extra step of Cognito's CUSTOM_AUTH flow.

The halves are `authflow_question.trigger.Question` and `authflow_question.client.QuestionPrompter`;
`authflow_question.enrolment.Enrolment` takes a user's answers. None of them is imported here: a
trigger needs no client, and a client hashes no answers.
"""
