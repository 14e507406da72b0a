"""What a brain that is a language model asks through: a loopback proxy that holds the key.

    providers.py  whom a brain may ask, and how it is pointed at us instead
    request.py    what a brain may ask for
    exchange.py   each question asked once, counted, paid from the day's tokens, and bounded
    upstream.py   the question as it goes out, and what may come back
    server.py     the process that listens
    client.py     that process, seen from the one that starts it

May import handlers.judge.groq. httpx and h11 are imported in the process that listens alone.
"""
