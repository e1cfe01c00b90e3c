"""An FTP server (pyftpdlib) on a free port of loopback, for the tests.

The first argument is JSON: root (folder), users ({name: password}), and what may go wrong: cut_after (bytes of a
transfer after which the connections are reset) and cuts (how often), touch (a file whose times change at a cut),
speed (bytes a second), no_epsv, pasv_address (what PASV names), no_mdtm. Tells the port, every command and every
disconnection as JSON lines. Ends when standard input does.
"""
import json
import os
import socket
import struct
import sys
import threading

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler
from pyftpdlib.log import config_logging
from pyftpdlib.servers import FTPServer

options = json.loads(sys.argv[1])
cuts = options.get("cuts", 1) if "cut_after" in options else 0


def tell(**event):
    print(json.dumps(event), flush=True)


class Data(ThrottledDTPHandler):
    write_limit = options.get("speed", 0)
    ac_out_buffer_size = 4096 if "speed" in options else 65536
    sent = 0
    ending = False

    def send(self, data):
        global cuts
        if self.ending:
            return 0
        if cuts > 0 and self.sent >= options["cut_after"]:
            cuts -= 1
            self.ending = True
            self.ioloop.call_later(0, self.cut)
            return 0
        sent = super().send(data)
        self.sent += sent
        return sent

    def cut(self):
        if "touch" in options:
            path = os.path.join(options["root"], options["touch"])
            os.utime(path, (1_000_000_000, 1_000_000_000))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tell(event="cut", sent=self.sent)
        self.cmd_channel.close()


class Control(FTPHandler):
    dtp_handler = Data
    use_sendfile = False
    auth_failed_timeout = 0
    masquerade_address = options.get("pasv_address")

    def pre_process_command(self, line, cmd, arg):
        tell(event="command", command=cmd, argument=arg)
        super().pre_process_command(line, cmd, arg)

    def on_disconnect(self):
        tell(event="disconnect")


Control.proto_cmds = dict(FTPHandler.proto_cmds)
for name in ("epsv", "mdtm"):
    if options.get(f"no_{name}"):
        del Control.proto_cmds[name.upper()]
authorizer = DummyAuthorizer()
for user, password in options["users"].items():
    authorizer.add_user(user, password, options["root"])
authorizer.add_anonymous(options["root"])
Control.authorizer = authorizer
config_logging(level=50)
server = FTPServer(("127.0.0.1", 0), Control)


def follow():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=follow, daemon=True).start()
tell(event="port", port=server.address[1])
server.serve_forever(handle_exit=False)
