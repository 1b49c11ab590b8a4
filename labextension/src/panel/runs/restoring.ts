import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import type { Client } from '../../api/client';
import type { Run, RunNotebook, Status } from '../../api/types';
import { wordsOf } from './format';

/** Names that are tried before the one that the contents manager gave is kept. */
const TRIES = 20;

/**
 * Put the notebook that a run ran beside the notebook of today, and open it. Nothing is ever overwritten: the file is made
 * under a name of the contents manager's, which renames it only to a name that is free.
 *
 * @returns The new file's path.
 */
export async function restore(app: JupyterFrontEnd, client: Client, run: Run, path: string): Promise<string> {
  const [notebook, status] = await Promise.all([
    client.get<RunNotebook>(`runs/${encodeURIComponent(run.run_id)}/notebook`, { path: path || null }),
    client.get<Status>('status', { path: path || null })
  ]);
  const { contents } = app.serviceManager;
  const made = await put(contents, folderOf(run, status, path), notebook, run.run_id);
  await app.commands.execute('docmanager:open', { path: made });
  return made;
}

/** The folder below the contents root in which a run's notebook lies, or the nearest that is known. */
export function folderOf(run: Pick<Run, 'notebook'>, status: Pick<Status, 'project' | 'store'>, path: string): string {
  const file = (run.notebook ?? '').replace(/\\/g, '/');
  const store = status.store.folder.replace(/\\/g, '/');
  const root = status.project.path;
  const project = store.endsWith('/.mlops') ? store.slice(0, -'.mlops'.length) : null;
  if (root !== null && project !== null && file.startsWith(project)) {
    return PathExt.dirname(PathExt.join(root, file.slice(project.length)));
  }
  return path ? PathExt.dirname(path) : (root ?? '');
}

/** Write a notebook under a name that was free. */
export async function put(
  contents: Pick<Contents.IManager, 'newUntitled' | 'save' | 'rename'>,
  folder: string,
  notebook: RunNotebook,
  id: string
): Promise<string> {
  const made = await contents.newUntitled({ path: folder, type: 'notebook' });
  await contents.save(made.path, { type: 'notebook', format: 'json', content: notebook.content });
  const words = wordsOf(id);
  const stem = PathExt.basename(notebook.name, '.ipynb').replace(`-${id}`, '');
  for (let number = 1; number <= TRIES; number += 1) {
    const name = number === 1 ? `${stem} (${words}).ipynb` : `${stem} (${words} ${number}).ipynb`;
    try {
      return (await contents.rename(made.path, PathExt.join(folder, name))).path;
    } catch {
      // the name is taken; the server refuses to overwrite
    }
  }
  return made.path;
}
