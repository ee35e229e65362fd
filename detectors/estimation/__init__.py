"""Performance before labels: what the scores and the inputs let one expect of a window.

Everything here rests on one assumption that no unlabelled row can prove: that labels depend on
inputs as they did in the reference. Where they no longer do, every estimate is wrong and none
looks uncertain (Garg et al. 2022, arXiv 2201.04234, section 3).
"""
