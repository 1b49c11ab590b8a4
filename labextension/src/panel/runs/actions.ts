import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { Job, Run, RunChange, RunChanged, RunState } from '../../api/types';
import { tell } from '../../common/parts';
import type { IServices } from '../sidepanel';
import { Commands } from '../../tokens';
import { wordsOf } from './format';
import type { RunsModel } from './model';
import { restore } from './restoring';

/** What can be done with runs; each failure is told in a notification. */
export class RunActions {
  constructor(
    private readonly services: IServices,
    private readonly model: RunsModel,
    private readonly path: string
  ) {}

  report(id: string): void {
    void this.services.app.commands.execute(Commands.openReport, { run: id, path: this.path });
  }

  compare(ids: readonly string[]): void {
    void this.services.app.commands.execute(Commands.openCompare, { runs: [...ids], path: this.path });
  }

  lineage(id: string): void {
    void this.services.app.commands.execute(Commands.openLineage, { what: id, path: this.path });
  }

  async stop(run: Run): Promise<void> {
    await this.attempt(() => this.post<RunState>(run, 'stop'));
    this.model.refresh();
  }

  async retry(run: Run): Promise<void> {
    const { trans } = this.services;
    const job = await this.attempt(() => this.post<Job>(run, 'retry'));
    if (job) {
      Notification.info(trans.__('Trying %1 again; what ended well is not done again.', wordsOf(run.run_id)));
      this.model.refresh();
    }
  }

  async restore(run: Run): Promise<void> {
    const { app, session, trans } = this.services;
    const made = await this.attempt(() => restore(app, session.client, run, this.path));
    if (made) {
      Notification.success(trans.__('The notebook of %1 is now %2; yours is as it was.', wordsOf(run.run_id), made));
    }
  }

  /** Change tags or the note; returns whether it worked. */
  async change(run: Run, change: RunChange): Promise<boolean> {
    const { client } = this.services.session;
    const found = await this.attempt(() => client.send<RunChanged>('PATCH', this.url(run.run_id), change));
    if (found) {
      this.model.note(found);
    }
    return found !== null;
  }

  /** Forget runs for good, after the one question that is asked in a dialog; returns whether they are gone. */
  async remove(ids: readonly string[]): Promise<boolean> {
    const { trans } = this.services;
    const names = ids.slice(0, 8).map(wordsOf).join(', ');
    const more = ids.length > 8 ? trans.__(' and %1 more', ids.length - 8) : '';
    const answer = await showDialog({
      title: trans._n('Delete this run?', 'Delete %1 runs?', ids.length),
      body: trans.__('%1%2: what is recorded of it and its folder are gone for good.', names, more),
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: trans.__('Delete') })]
    });
    if (!answer.button.accept) {
      return false;
    }
    const { client } = this.services.session;
    for (const id of ids) {
      if ((await this.attempt(() => client.send<unknown>('DELETE', this.url(id)).then(() => true))) === null) {
        break;
      }
    }
    this.model.refresh();
    return true;
  }

  private async post<T>(run: Run, what: string): Promise<T> {
    return this.services.session.client.send<T>('POST', this.url(run.run_id, `/${what}`));
  }

  private url(id: string, what = ''): string {
    const query = this.path ? `?path=${encodeURIComponent(this.path)}` : '';
    return `runs/${encodeURIComponent(id)}${what}${query}`;
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      tell(error, this.services.trans);
      return null;
    }
  }
}
