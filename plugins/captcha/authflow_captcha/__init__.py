"""CAPTCHAs for Amazon Cognito's CUSTOM_AUTH flow.

Trigger halves are in `authflow_captcha.trigger` and `authflow_captcha.services`, client halves in
`authflow_captcha.client` and `authflow_captcha.browser`. None is imported here: a trigger needs no
client, and a client draws no pictures.
"""
