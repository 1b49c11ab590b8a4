import { MimeModel, type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { JSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { useEffect, useRef } from 'react';
import { useServices } from './services';

const MIME = 'application/vnd.vegalite.v5+json';
type Renderer = ReturnType<IRenderMimeRegistry['createRenderer']>;

interface IProps {
  /** Vega-Lite, its data within it. */
  readonly spec: JSONObject;
  /** What it shows, for screen readers: a drawing tells them nothing. */
  readonly label: string;
  readonly className?: string;
}

/** A chart, drawn by the renderer of Vega-Lite that JupyterLab has; nothing where it has none. */
export function VegaChart({ spec, label, className }: IProps): JSX.Element {
  const { rendermime } = useServices();
  const place = useRef<HTMLDivElement>(null);
  const renderer = useRef<Renderer | null>(null);
  useEffect(() => {
    if (!place.current || !rendermime.mimeTypes.includes(MIME)) {
      return;
    }
    const made = rendermime.createRenderer(MIME);
    Widget.attach(made, place.current);
    renderer.current = made;
    return () => {
      renderer.current = null;
      made.dispose();
    };
  }, [rendermime]);
  useEffect(() => {
    const model = new MimeModel({ data: { [MIME]: spec }, metadata: { [MIME]: { embed_options: { actions: false } } }, trusted: true });
    void renderer.current?.renderModel(model).catch((error: unknown) => console.warn('jupyter-mlops: chart', error));
  }, [spec]);
  return <div ref={place} role="img" aria-label={label} className={className ?? ''} />;
}
