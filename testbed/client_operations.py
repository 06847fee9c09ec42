"""The operations that our clients send, as the modules that write requests spell them."""

import ast
from pathlib import Path

from botocore.session import get_session

from authflow.wire.admin_operations import ADMINISTRATORS

_AUTHFLOW = Path(__file__).parents[1] / "authflow"
_COGNITOS = set(get_session().get_service_model("cognito-idp").operation_names)

CLIENT_OPERATIONS = sorted(
    {
        node.value
        for folder, files in (("wire", "*.py"), ("client", "*_calls.py"))
        for path in (_AUTHFLOW / folder).glob(files)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in _COGNITOS
    }
    - set(ADMINISTRATORS.values())
)
"""An administrator's sign-in is a client's until it is sent."""
