import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { notebookPlugin } from './notebook/plugin';
import { panelPlugin } from './panel/plugin';
import { servicePlugin } from './service';
import { lineagePlugin } from './main/lineage';
import { viewsPlugin } from './main/plugin';

export { ISession } from './tokens';

// What each plugin needs on the screen is imported when it is first shown: JupyterLab's start waits for none of it.
const plugins: JupyterFrontEndPlugin<unknown>[] = [servicePlugin, notebookPlugin, panelPlugin, viewsPlugin, lineagePlugin];

export default plugins;
