"""A CAPTCHA for Amazon Cognito's CUSTOM_AUTH flow.

The halves are `authflow_captcha.trigger.Captcha` and `authflow_captcha.client.CaptchaPrompter`.
Neither is imported here: a trigger needs no client, and a client draws no pictures.
"""
