import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { JSONObject } from '@lumino/coreutils';

/** A cell as the analysis wants it: no outputs. */
export interface ILiveCell {
  readonly id: string;
  readonly cell_type: string;
  readonly source: string;
  readonly metadata: JSONObject;
}

/** A notebook as it is in the editor, unsaved edits included. */
export interface ILiveNotebook {
  readonly path: string;
  readonly cells: readonly ILiveCell[];
  readonly metadata: JSONObject;
}

/** The live content of a notebook. */
export function contentOf(model: INotebookModel, path: string): ILiveNotebook {
  return { path, cells: Array.from(model.cells, cellOf), metadata: { ...model.metadata } as JSONObject };
}

function cellOf(cell: ICellModel): ILiveCell {
  return {
    id: cell.id,
    cell_type: cell.type,
    source: cell.sharedModel.getSource(),
    metadata: { ...cell.metadata } as JSONObject
  };
}

/** Whether a notebook is written in Python; true where it does not say. */
export function isPython(model: INotebookModel): boolean {
  const metadata = model.metadata as { kernelspec?: { language?: string }; language_info?: { name?: string } };
  const language = metadata.language_info?.name ?? metadata.kernelspec?.language;
  return language === undefined || language === '' || language.toLowerCase() === 'python';
}
