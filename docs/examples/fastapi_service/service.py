"""The service: signs its users in by a password and a CAPTCHA, and protects a route.

It knows nothing of where it runs: the pool, the keys and the store come from the environment.
"""

import os
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse

from authflow import AuthClient, AuthConfig, AuthFlow
from authflow.integrations.fastapi import FastAPIAuth, WebSettings, WebUser
from authflow.keys import KeyRing
from authflow.stores import RedisStore

PAGE = Path(__file__).with_name("page.html")

auth = FastAPIAuth(
    AuthClient(
        AuthConfig.from_env(),
        keys=KeyRing.from_environment(),
        store=RedisStore(redis=os.environ["REDIS_URL"]),
    ),
    settings=WebSettings(
        flows=AuthFlow.CUSTOM_AUTH,
        insecure_loopback=True,  # on this machine, without TLS; leave it out anywhere else
    ),
)
app = FastAPI(lifespan=auth.lifespan, exception_handlers=auth.exception_handlers)
app.include_router(auth.sign_in_router(), prefix="/auth")


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Give the page that signs in."""
    return FileResponse(PAGE)


@app.get("/orders")
async def orders(user: Annotated[WebUser, Depends(auth.current_user)]) -> dict[str, str | int]:
    """Give the orders of whoever is signed in, and the worker that looked them up."""
    return {"orders of": user.username or "", "worker": os.getpid()}
