"""nbgrader's Formgrader on our course folder: settings, formulas, and what is switched off."""
