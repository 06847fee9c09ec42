"""One-time passwords and sign-in links for Amazon Cognito's CUSTOM_AUTH flow.

| challenge | trigger half | client half |
|---|---|---|
| `otp`: a code by e-mail or SMS | `authflow_otp.trigger.Otp` | `authflow_otp.client.OtpPrompter` |
| `link`: a link by e-mail or SMS | `authflow_otp.link.Link` | `authflow_otp.client.LinkPrompter` |
| `totp`: an app's code, by time | `authflow_otp.authenticator.Totp` | `…client.TotpPrompter` |
| `hotp`: a token's code, by counter | `authflow_otp.authenticator.Hotp` | `…client.HotpPrompter` |

Nothing is imported here: a trigger needs no client, and one that sends no mail needs no SMTP.
"""
