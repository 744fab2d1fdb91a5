#!/usr/bin/env python3
"""Captures what a real client and a real server say to each other, as a transcript.

    capture.py OUT UPSTREAM_PORT COMMENT -- CLIENT COMMAND...

Listens on a free port, relays the first connection to UPSTREAM_PORT, and writes OUT in the form
that `retake_testkit::Transcript` reads. `{port}` in the command is the port it listens on.
Several connections are written one after another to OUT, OUT-2, ...
"""
import selectors, socket, subprocess, sys, threading


def escape(data):
    names = {10: "\\n", 13: "\\r", 9: "\\t", 92: "\\\\"}
    return "".join(
        names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data
    )


def relay(client, upstream, pieces):
    chooser = selectors.DefaultSelector()
    chooser.register(client, selectors.EVENT_READ, (upstream, ">"))
    chooser.register(upstream, selectors.EVENT_READ, (client, "<"))
    for _ in range(2):
        ended = False
        while not ended:
            for key, _ in chooser.select():
                to, mark = key.data
                data = key.fileobj.recv(1 << 16)
                pieces.append((mark, data))
                if data:
                    to.sendall(data)
                else:
                    chooser.unregister(key.fileobj)
                    try:
                        to.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                    ended = True


def write(path, comment, pieces):
    with open(path, "w") as out:
        out.write(f"# {comment}\n")
        last = None
        for mark, data in pieces:
            if not data:
                out.write(f"{mark}|\n")
                last = None
                continue
            lines = data.split(b"\n")
            lines = [l + b"\n" for l in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
            for i, line in enumerate(lines):
                start = f"{mark} " if i == 0 else "  "
                out.write(start + escape(line) + "\n")


def main():
    path, port, comment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    command = sys.argv[sys.argv.index("--") + 1 :]
    listener = socket.create_server(("127.0.0.1", 0))
    here = listener.getsockname()[1]
    done = []

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            pieces = []
            upstream = socket.create_connection(("127.0.0.1", port))
            thread = threading.Thread(target=relay, args=(client, upstream, pieces))
            done.append((pieces, thread))
            thread.start()

    threading.Thread(target=serve, daemon=True).start()
    subprocess.run([part.replace("{port}", str(here)) for part in command], check=False)
    for number, (pieces, thread) in enumerate(done, 1):
        thread.join(5)
        name = path if number == 1 else path.replace(".txt", f"-{number}.txt")
        write(name, comment, [(m, d) for m, d in pieces])


main()
