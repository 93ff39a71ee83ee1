"""One web process of the real application for benches, with its hub's count of renders at /renders."""

import json
import sys

import uvicorn

from hall import asgi
from tests.bench.sockets import allow_many_files


async def application(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    if scope["type"] == "http" and scope["path"] == "/renders":
        body = json.dumps(asgi.hub.of_this_process().renders).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
        )
        await send({"type": "http.response.body", "body": body})
    else:
        await asgi.application(scope, receive, send)


if __name__ == "__main__":
    allow_many_files()
    uvicorn.run(
        application, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="websockets-sansio", lifespan="off",
        log_level="warning", backlog=2048, ws_per_message_deflate=False,
    )  # fmt: skip
