"""Writes scripts, links and markup into the written answer and into cells of its own."""

EXPECT = {}
EVIL = """<script>alert('written')</script> <iframe src="javascript:alert(1)"></iframe>
[click](javascript:alert(1)) ![x](x" onerror="alert(1)) <svg/onload=alert(1)> {{ 7 * 7 }} {% raw %}
<style>* {display: none}</style> </pre></div></body></html> <!-- $$\\href{javascript:alert(1)}{x}$$
"""
ANSWERS = {"q7_reason": EVIL}
EXTRAS = [("q1_text", "markdown", EVIL), ("q6_random_hidden", "code", "# " + EVIL.split("\n")[0])]
