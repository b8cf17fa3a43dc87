"""Awaits what never comes, at the top of its cell."""

EXPECT = {"q6": 0}
STATUS = "timed out in q6_gradient"
ANSWERS = {"q6_gradient": "import asyncio\nawait asyncio.Event().wait()"}
