"""A real HTTP server on 127.0.0.1 for tests, which keeps what it got."""

import http.server
import threading


class Web:
    """A server on 127.0.0.1 that keeps what is posted, and answers with `status`."""

    def __init__(self):
        self.status, self.got = 204, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web.got.append((self.command, self.path, dict(self.headers), body))
                self.send_response(web.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=s3cret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
