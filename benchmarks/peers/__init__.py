"""Why not X? The same work in fooljax and in its peers: how long, and how well done.

    Run:    python -m benchmarks.peers --out peers.json --page peers.md
    Cost:   about fifteen minutes on two idle CPU cores; killed, it goes on with the pairs
            that are missing in ``--out``
    Expect: nearly every row ahead in time at equal or better strength; the page names those
            that are not

A pair is one piece of work for fooljax and for one peer: the same network and weights (for
PyTorch a twin that gives the same logits), the same images, the same steps or queries. Both
are called in turn, ``--repeats`` times, each time with other random numbers. Measured are the
first call, which compiles, and the later ones, in seconds by the clock and by the processor;
what was found (success, distance, confidence, AUROC, radius) is judged by one and the same
function. Threads of PyTorch and of JAX are as they come.

``pip install -e ".[bench,torch]"`` installs most of them. Two are left out of it: torchattacks
asks for an old ``requests``, Adversarial-Library for ``visdom``, which has no wheel. Both run
with what there is; the latter imports ``visdom``, of whatever version:

    pip install --no-deps torchattacks adv-lib && pip install visdom
"""
