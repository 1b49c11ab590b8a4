import type { JSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { useEffect, useRef, useState } from 'react';
import { useServices } from '../../common/services';
import type { ITheme } from './charts';

const VEGALITE = /^application\/vnd\.vegalite\.v(\d+)\+json$/;

interface IProps {
  readonly spec: JSONObject;
  /** What screen readers say of it. */
  readonly label: string;
}

/** A Vega-Lite chart, drawn by the renderer that JupyterLab has for it. */
export function Chart({ spec, label }: IProps): JSX.Element {
  const { rendermime, trans } = useServices();
  const host = useRef<HTMLDivElement>(null);
  const [error, setError] = useState('');
  const mime = rendermime.mimeTypes.filter(type => VEGALITE.test(type)).sort().pop();
  const text = JSON.stringify(spec);
  useEffect(() => {
    const node = host.current;
    if (!node || !mime) {
      return;
    }
    const renderer = rendermime.createRenderer(mime);
    Widget.attach(renderer, node);
    const model = rendermime.createModel({
      data: { [mime]: JSON.parse(text) as JSONObject },
      metadata: { [mime]: { embed_options: { actions: false, renderer: 'svg' } } }
    });
    renderer.renderModel(model).catch((problem: unknown) => setError(String(problem)));
    return () => {
      if (renderer.isAttached) {
        Widget.detach(renderer);
      }
      renderer.dispose();
    };
  }, [rendermime, mime, text]);
  if (!mime) {
    return <div className="jp-mlops-Muted">{trans.__('This JupyterLab has no renderer for Vega-Lite charts.')}</div>;
  }
  return (
    <figure className="jp-mlops-Chart" aria-label={label}>
      <div ref={host} />
      {error ? <div role="alert">{error}</div> : null}
    </figure>
  );
}

/** The colours of the page, which change with JupyterLab's theme. */
export function useTheme(): ITheme {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(readTheme()));
    observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light'] });
    return () => observer.disconnect();
  }, []);
  return theme;
}

function readTheme(): ITheme {
  const style = window.getComputedStyle(document.body);
  const read = (name: string, other: string): string => style.getPropertyValue(name).trim() || other;
  return { text: read('--jp-ui-font-color1', '#616161'), line: read('--jp-border-color1', '#bdbdbd') };
}
