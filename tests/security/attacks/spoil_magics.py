"""Uses what IPython has beyond Python: magics, shell lines, help, await; with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
%matplotlib inline
%time x = 3
!ls
files = !ls
%timeit -n 1 -r 1 x + 1
%load_ext autoreload
%autoreload 2
len?
{{RIGHT}}
%who
""",
    "q2_moments": "%%time\n{{RIGHT}}",
    "q4_total": """
import asyncio
done = await asyncio.gather(asyncio.sleep(0, 3), asyncio.sleep(0, 4))
{{RIGHT}}
done
""",
    "q6_gradient": "%%capture captured\nprint('kept away')\n{{RIGHT}}",
}
