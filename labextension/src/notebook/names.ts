/** Commands of the notebook side that nobody else calls. */
export const NotebookCommands = {
  /** Open or close the editor at the active cell, for all selected cells. */
  edit: 'jupyter-mlops:edit-cell',
  /** Make the selected cells something; argument `kind`, and `step` for the name of a step. */
  setKind: 'jupyter-mlops:set-kind',
  /** Let the step begin one cell earlier or later; argument `by`: -1 or 1. */
  moveBoundary: 'jupyter-mlops:move-boundary',
  nextProblem: 'jupyter-mlops:next-problem',
  toggleBars: 'jupyter-mlops:toggle-bars',
  applySuggestion: 'jupyter-mlops:apply-suggestion',
  dismissSuggestion: 'jupyter-mlops:dismiss-suggestion'
} as const;
