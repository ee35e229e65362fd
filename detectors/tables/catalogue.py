"""The detectors of a window's rows with all their columns."""

from collections.abc import Mapping
from typing import Final

from detectors.entry import Entry
from detectors.tables import c2st, joint_energy, linear_mmd, mmd, reconstruction

TABLES: Final[Mapping[str, Entry]] = {
    "mmd": Entry(
        function=mmd.mmd,
        params=mmd.MmdParams,
        of_table=True,
        shown=True,
        says="Whether rows lie as they did, all columns together: squared distance of mean features.",
    ),
    "reconstruction": Entry(
        function=reconstruction.reconstruction,
        params=reconstruction.ReconstructionParams,
        of_table=True,
        shown=True,
        says="Whether columns hang together as they did: the error of a few principal components.",
    ),
    "linear_mmd": Entry(
        function=linear_mmd.linear_mmd,
        params=linear_mmd.LinearMmdParams,
        of_table=True,
        asked=True,
        says="The same as mmd in one pass over pairs of rows, with a p-value and less power.",
    ),
    "joint_energy": Entry(
        function=joint_energy.joint_energy,
        params=joint_energy.JointEnergyParams,
        of_table=True,
        asked=True,
        says="The energy distance of rows with all their columns, over a sample of rows.",
    ),
    "c2st": Entry(
        function=c2st.c2st,
        params=c2st.C2stParams,
        of_table=True,
        asked=True,
        says="How well a classifier tells rows of now from rows of then, out of fold.",
    ),
}
