import { Notification } from '@jupyterlab/apputils';
import type { Status } from '../../api/types';
import type { IServices } from '../sidepanel';
import { Commands } from '../../tokens';

/** A cell of the notebook of a run. */
export interface ICellPlace {
  readonly run: string;
  /** The notebook's file, as the run recorded it. */
  readonly notebook: string | null;
  readonly cell: string;
  readonly line: number | null;
}

/** Whether a path below the contents root may be that of a file. */
export function isPathOf(path: string, file: string): boolean {
  const clean = file.replace(/\\/g, '/');
  return path !== '' && (clean === path || clean.endsWith(`/${path}`));
}

/** The path below the contents root of a file of a project; null if that can't be told. */
export function pathOf(file: string, status: Status): string | null {
  const clean = file.replace(/\\/g, '/');
  const root = status.store.folder.replace(/\\/g, '/').replace(/\/[^/]+\/?$/, '');
  if (status.project.path === null || !clean.startsWith(`${root}/`)) {
    return null;
  }
  return [status.project.path, clean.slice(root.length + 1)].filter(Boolean).join('/');
}

/** Show a cell of a run's notebook, in that notebook as it is now; says so where the cell is gone. */
export async function showCell({ app, session, trans }: IServices, place: ICellPlace): Promise<void> {
  const { notebook, cell, line } = place;
  if (notebook && !isPathOf(session.path, notebook)) {
    const path = pathOf(notebook, await session.client.get<Status>('status', { path: session.path }));
    if (path === null) {
      gone(trans.__('The run’s notebook %1 is not below the server’s root folder.', notebook));
      return;
    }
    await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
    await session.notebook?.context.ready;
    await session.notebook?.revealed;
  }
  const found = session.notebook?.content.widgets.some(widget => widget.model.id === cell) ?? false;
  if (!found) {
    gone(trans.__('The cell is no longer in the notebook; the run’s report shows it as it was.'));
    return;
  }
  await app.commands.execute(Commands.goToCell, { cell, ...(line === null ? {} : { line }) });

  function gone(message: string): void {
    const canReport = app.commands.hasCommand(Commands.openReport);
    Notification.warning(message, {
      autoClose: false,
      actions: canReport
        ? [{ label: trans.__('Open the report'), callback: () => void app.commands.execute(Commands.openReport, { run: place.run }) }]
        : []
    });
  }
}
