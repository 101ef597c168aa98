"""README, methods paragraph, tables in LaTeX and BibTeX of the software used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from stoa.model import Outcome, Status, Value
from stoa.numbers import with_error
from stoa.publish.facts import CatalogueFacts, Publication
from stoa.publish.latex import bibtex_value, latex, typewriter, url
from stoa.publish.markdown import code, markdown

_SOFTWARE: dict[str, tuple[str, tuple[str, ...]]] = {
    "astropy": (r"\bastropy\b", ("astropy2013", "astropy2018", "astropy2022")),
    "numpy": (r"\bnumpy\b", ("numpy2020",)),
    "matplotlib": (r"\bmatplotlib\b", ("matplotlib2007",)),
    "sep": (r"\bimport sep\b|\bsep\.extract\b", ("sep2016", "sextractor1996")),
    "SExtractor": (r"\bsource-extractor\b|\bsextractor\b", ("sextractor1996",)),
    "Aegean": (r"\b[Aa]egean(?:Tools)?\b|\bBANE\b", ("aegean2012", "aegean2018")),
    "CASA": (r"\bcasatasks\b|\bcasatools\b|\bcasa\b", ("casa2022",)),
    "scipy": (r"\bscipy\b", ("scipy2020",)),
}
"""Software -> how a script shows that it uses it, keys of what is to be cited."""

_WORKS: dict[str, dict[str, str]] = {
    "astropy2013": {
        "author": "{Astropy Collaboration}", "title": "Astropy: A community Python package for astronomy",
        "journal": "Astronomy and Astrophysics", "volume": "558", "pages": "A33", "year": "2013",
        "doi": "10.1051/0004-6361/201322068",
    },
    "astropy2018": {
        "author": "{Astropy Collaboration}", "title": "The Astropy Project: Building an Open-science Project and"
        " Status of the v2.0 Core Package", "journal": "The Astronomical Journal", "volume": "156", "pages": "123",
        "year": "2018", "doi": "10.3847/1538-3881/aabc4f",
    },
    "astropy2022": {
        "author": "{Astropy Collaboration}", "title": "The Astropy Project: Sustaining and Growing a"
        " Community-oriented Open-source Project and the Latest Major Release (v5.0) of the Core Package",
        "journal": "The Astrophysical Journal", "volume": "935", "pages": "167", "year": "2022",
        "doi": "10.3847/1538-4357/ac7c74",
    },
    "numpy2020": {
        "author": "Harris, C. R. and others", "title": "Array programming with {NumPy}", "journal": "Nature",
        "volume": "585", "pages": "357--362", "year": "2020", "doi": "10.1038/s41586-020-2649-2",
    },
    "scipy2020": {
        "author": "Virtanen, P. and others", "title": "{SciPy} 1.0: fundamental algorithms for scientific computing"
        " in Python", "journal": "Nature Methods", "volume": "17", "pages": "261--272", "year": "2020",
        "doi": "10.1038/s41592-019-0686-2",
    },
    "matplotlib2007": {
        "author": "Hunter, J. D.", "title": "Matplotlib: A 2D graphics environment",
        "journal": "Computing in Science and Engineering", "volume": "9", "pages": "90--95", "year": "2007",
        "doi": "10.1109/MCSE.2007.55",
    },
    "sep2016": {
        "author": "Barbary, K.", "title": "{SEP}: Source Extractor as a library",
        "journal": "Journal of Open Source Software", "volume": "1", "pages": "58", "year": "2016",
        "doi": "10.21105/joss.00058",
    },
    "sextractor1996": {
        "author": "Bertin, E. and Arnouts, S.", "title": "{SExtractor}: Software for source extraction",
        "journal": "Astronomy and Astrophysics Supplement", "volume": "117", "pages": "393--404", "year": "1996",
        "doi": "10.1051/aas:1996164",
    },
    "aegean2012": {
        "author": "Hancock, P. J. and Murphy, T. and Gaensler, B. M. and Hopkins, A. and Curran, J. R.",
        "title": "Compact continuum source finding for next generation radio surveys",
        "journal": "Monthly Notices of the Royal Astronomical Society", "volume": "422", "pages": "1812--1824",
        "year": "2012", "doi": "10.1111/j.1365-2966.2012.20768.x",
    },
    "aegean2018": {
        "author": "Hancock, P. J. and Trott, C. M. and Hurley-Walker, N.",
        "title": "Source Finding in the Era of the {SKA} (Precursors): {Aegean} 2.0",
        "journal": "Publications of the Astronomical Society of Australia", "volume": "35", "pages": "e011",
        "year": "2018", "doi": "10.1017/pasa.2018.3",
    },
    "casa2022": {
        "author": "{CASA Team}", "title": "{CASA}, the Common Astronomy Software Applications for Radio Astronomy",
        "journal": "Publications of the Astronomical Society of the Pacific", "volume": "134", "pages": "114501",
        "year": "2022", "doi": "10.1088/1538-3873/ac9642",
    },
}  # fmt: skip


def software(publication: Publication) -> dict[str, tuple[str, ...]]:
    """Software that the scripts or STOA used for this, and keys of what is to be cited for it."""
    texts = [content.decode("utf-8", "replace") for content in publication.scripts.values()]
    texts.append(" ".join(publication.process.command))
    used = {"astropy"} if publication.catalogue else set()
    used |= {"matplotlib"} if publication.plots else set()
    used |= {name for name, (pattern, _) in _SOFTWARE.items() if any(re.search(pattern, text) for text in texts)}
    return {name: keys for name, (_, keys) in _SOFTWARE.items() if name in used}


def bibtex(publication: Publication) -> str:
    """Entries for the software, STOA first."""
    stoa = {
        "author": "{The STOA developers}", "title": "{STOA}: Script Tracking for Observational Astronomy",
        "version": bibtex_value(publication.latest.stoa_version), "year": publication.written[:4],
    }  # fmt: skip
    entries = [_entry("software", "stoa", stoa)]
    keys = dict.fromkeys(key for keys in software(publication).values() for key in keys)
    return "\n".join([*entries, *(_entry("article", key, _WORKS[key]) for key in keys)])


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


def methods(publication: Publication) -> str:
    """A paragraph for a paper, in LaTeX, to be edited."""
    run, process = publication.latest, publication.process
    unit = "images" if process.over == "image" else "folders"
    cited = [f"{name} \\citep{{{','.join(keys)}}}" for name, keys in software(publication).items()]
    head = (
        f"We ran the process \\texttt{{{latex(process.name)}}} over {publication.targets} targets"
        f" ({len(publication.outcomes)} {unit}) with STOA {latex(run.stoa_version)} \\citep{{stoa}},"
        f" in the environment {latex(run.environment)} ({latex(_facts(run.environment_facts))})."
    )
    runs = _listed(typewriter(one.id) for one in publication.runs)
    noun = "run" if len(publication.runs) == 1 else "the runs"
    origin = f" of {url(publication.origin)}" if publication.origin else ""
    sentences = [
        head,
        f"Its parameters were {_values(run.params.values)}." if run.params.values else "",
        *_rule_sentences(publication.outcomes),
        f"Of the {len(publication.outcomes)} jobs {_counts(publication.counts)}.",
        _doc_sentence(process.doc),
        *_search_sentences(publication.outcomes),
        *map(latex, publication.caveats),
        _catalogue_sentence(publication),
        _error_sentence(publication.catalogue),
        f"Software: {', '.join(cited)}." if cited else "",
        f"The complete record is that of {noun} {runs} at commit {typewriter(publication.commit[:12])}{origin}.",
    ]
    return "% Written by stoa publish; edit it to taste.\n" + "\n".join(filter(None, sentences)) + "\n"


def _doc_sentence(doc: str) -> str:
    """What the process says of itself: for the shipped finders, that they search flat noise and correct fluxes."""
    words = latex(doc).rstrip(".")
    return f"The process {words[:1].lower()}{words[1:]}." if words else ""


def _search_sentences(outcomes: Sequence[Outcome]) -> list[str]:
    """Noise, gain and cuts that jobs report, as the shipped finders do: rms, gain_is_model, n_cut_NAME."""
    done = [outcome.results for outcome in outcomes if outcome.status is Status.OK]
    noise = sorted(value for each in done if isinstance(value := each.get("rms"), float))
    modelled = sum(each.get("gain_is_model") is True for each in done)
    removed: dict[str, int] = {}
    for results in done:
        for name, value in results.items():
            if name.startswith("n_cut_") and isinstance(value, int) and value:
                removed[name.removeprefix("n_cut_")] = removed.get(name.removeprefix("n_cut_"), 0) + value
    sentences = []
    if noise:
        span = latex(f"{noise[0]:.3g}") if len(noise) == 1 else latex(f"{noise[0]:.3g} to {noise[-1]:.3g}")
        sentences.append(f"The noise of the images before the correction for the primary beam is {span} Jy/beam.")
    if modelled:
        sentences.append(f"In {_counted(modelled, 'image')} the gain of the primary beam is that of a model.")
    if removed:
        cuts = _listed(f"{number} by {typewriter(name)}" for name, number in sorted(removed.items()))
        sentences.append(f"The search itself left out {cuts}.")
    return sentences


def _error_sentence(found: CatalogueFacts | None) -> str:
    """Which errors the catalogue has, and what these do not have in them."""
    if found is None or not found.errors:
        return ""
    columns = _listed(typewriter(name) for name in found.errors)
    return f"Errors ({columns}) are those that the search gives each source."


def _rule_sentences(outcomes: Iterable[Outcome]) -> list[str]:
    """For how many targets the rules of the set gave other values."""
    ruled: dict[str, set[str]] = {}
    for outcome in outcomes:
        if outcome.overrides:
            values = _values({name: given.value for name, given in outcome.overrides.items()})
            ruled.setdefault(values, set()).add(outcome.target)
    return [
        f"For {_counted(len(targets), 'target')} a rule gave {values}." for values, targets in sorted(ruled.items())
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _catalogue_sentence(publication: Publication) -> str:
    found = publication.catalogue
    if found is None:
        return ""
    numbers = {"source": found.sources, "image": found.images, "target": found.targets}
    sources, images, targets = (_counted(number, noun) for noun, number in numbers.items())
    head = f"They gave {sources} in {images} of {targets}"
    cuts = _listed(f"{latex(cut.words)} ({cut.removed} removed)" for cut in found.cuts) if found.cuts else ""
    passed = f", of which {found.kept} passed the quality cuts: {cuts}" if found.cuts else ""
    return f"{head}{passed}.{_match_sentence(found)}"


def _match_sentence(found: CatalogueFacts) -> str:
    match = found.match
    if match is None:
        return ""
    left = f"Leaving out {_counted(match.left_out, 'source')} on calibrators, " if match.left_out else ""
    number = f"{match.matched} of the {found.kept - match.left_out} sources {'is' if match.matched == 1 else 'are'}"
    objects = _counted(match.objects, "object")
    wrong = with_error(match.expected, match.e_expected, r"$\pm$")
    return (
        f" {left}{number} within {match.radius_arcsec:g} arcsec of {objects} of the catalogue"
        f" {typewriter(match.catalogue)}; {wrong} of these matches are expected by chance."
    )


def _values(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{typewriter(name)} = {latex(value) or '(empty)'}" for name, value in values.items())


def _facts(facts: Mapping[str, str]) -> str:
    shown = [f"{name} {facts[name]}" for name in ("python", "image", "platform") if name in facts]
    imported = (words.split() for words in facts.get("warm", "").split(", ") if words)
    shown += [f"{name} {version}" for name, version in {one[0].partition(".")[0]: one[-1] for one in imported}.items()]
    return ", ".join(shown) or "no further facts"


def _counts(counts: Mapping[str, int]) -> str:
    words = {Status.OK: "ended well", Status.TIMEOUT: "ran into their time limit", Status.ERROR: "could not start"}
    return _listed(f"{counts[s]} {words.get(s, 'were ' + s.value if s is not Status.FAILED else 'failed')}"
                   for s in Status if counts.get(s))  # fmt: skip


def _listed(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def table(publication: Publication) -> str:
    """Counts by status and cause, and by quality cut, as a LaTeX table."""
    rows = [f"{latex(status)} & & {number} \\\\" for status, number in publication.counts.items() if status == "ok"]
    rows += [
        f"{latex(group.status)} & {latex(_short(group.cause))} & {group.count} \\\\" for group in publication.causes
    ]
    if skipped := publication.counts.get("skipped"):
        rows.append(f"skipped & not applicable & {skipped} \\\\")
    rows += ["\\hline", f"all jobs & & {len(publication.outcomes)} \\\\"]
    if publication.catalogue:
        rows += ["\\hline", f"sources & found & {publication.catalogue.sources} \\\\"]
        rows += [f" & removed by {latex(cut.words)} & {cut.removed} \\\\" for cut in publication.catalogue.cuts]
        rows.append(f" & kept & {publication.catalogue.kept} \\\\")
        if match := publication.catalogue.match:
            rows += [f" & on calibrators, not matched & {match.left_out} \\\\"] * bool(match.left_out)
            rows.append(f" & within {match.radius_arcsec:g} arcsec of {latex(match.catalogue)} & {match.matched} \\\\")
            rows.append(f"objects & matched & {match.objects} \\\\")
    caption = f"Outcomes of {latex(publication.source)}."
    return "\n".join(
        ["\\begin{table}", f"\\caption{{{caption}}}", "\\begin{tabular}{lp{0.6\\linewidth}r}", "\\hline",
         "status & cause & number \\\\", "\\hline", *rows, "\\hline", "\\end{tabular}", "\\end{table}", ""]
    )  # fmt: skip


def _short(cause: str) -> str:
    return cause if len(cause) <= 90 else f"{cause[:60]} ... {cause[-25:]}"


def _listing(files: Mapping[str, str]) -> list[str]:
    """A line a file, and one for each of the folders with many."""
    small = ((path, words) for path, words in sorted(files.items()) if not path.startswith(tuple(_LARGE)))
    lines = [f"- {code(path)}: {markdown(words)}" for path, words in small]
    for folder, words in _LARGE.items():
        number = sum(path.startswith(folder) for path in files)
        lines += [f"- `{folder}`: {words}, {number} files"] if number else []
    return lines


_LARGE = {"products/": "copies of products, FITS files with cards that name the run", "records/": "records as in git"}


def readme(publication: Publication, files: Mapping[str, str]) -> str:
    """What is in the folder and how it was made, as Markdown.

    Parameters
    ----------
    files
        Path in the publication -> what it is.
    """
    run = publication.latest
    counts = ", ".join(f"{publication.counts[s]} {s.value}" for s in Status if publication.counts.get(s))
    origin = f" of {code(publication.origin)}" if publication.origin else " of a repository that has no remote"
    what = f"Process {code(publication.process.name)} with parameter set {code(run.params.name)}"
    people = _listed(markdown(f"{one.name} <{one.email}>") for one in publication.authors)
    lines = [
        f"# {markdown(publication.title)}",
        "",
        f"{what} over {publication.targets} targets: {len(publication.outcomes)} jobs, {counts}.",
        "",
        f"Run by {people}; published on {publication.written[:10]} from commit {code(publication.commit)}{origin}.",
    ]
    if publication.licence:
        lines += ["", f"Licence: {markdown(publication.licence)}"]
    if publication.caveats:
        lines += ["", *(f"- {markdown(words)}" for words in publication.caveats)]
    if publication.flagged:
        lines += ["", f"Flagged, and not cleared: {', '.join(map(code, publication.flagged))}."]
    lines += ["", "## Files", "", *_listing(files)]
    if publication.causes:
        lines += ["", "## What did not succeed", ""]
        lines += [f"- {group.count} {group.status.value}: {markdown(group.cause)}" for group in publication.causes]
    again = [f"stoa reproduce {one.id}" for one in publication.runs]
    lines += ["", "## To reproduce", "", "In a clone of the repository, with the data where `stoa root add` says:", "",
              "```", *again, "```", ""]  # fmt: skip
    return "\n".join(lines)
