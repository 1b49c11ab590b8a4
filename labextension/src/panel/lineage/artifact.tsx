import { Clipboard } from '@jupyterlab/apputils';
import { checkIcon, copyIcon } from '@jupyterlab/ui-components';
import { useState, type ReactNode } from 'react';
import type { Artifact, Lineage, LineageNode } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem } from '../../common/parts';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { canBeModel, sourceOf } from '../models/source';
import { RegisterForm } from '../models/register';
import { Cells, Facts } from './details';
import { FigureImage } from './figures';
import { Schema } from './schema';
import { shortRun, sizeText } from './words';

interface IProps {
  readonly node: LineageNode;
  readonly lineage: Lineage;
  readonly path: string;
}

/** An artifact or file: preview, content, who made and who used it. */
export function ArtifactDetails({ node, lineage, path }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const query = node.kind === 'artifact' ? { run: node.run_id, name: node.artifact, path } : { digest: node.digest, path };
  const answer = useAnswer(JSON.stringify(query), signal =>
    session.client.get<{ artifacts: Artifact[] }>('artifacts', query, signal)
  );
  if (answer.error) {
    return <Problem error={answer.error} onRetry={answer.again} trans={trans} />;
  }
  if (!answer.value) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const all = answer.value.artifacts;
  const artifact = all.find(one => one.direction === 'out' && one.digest === node.digest) ?? all[0];
  if (!artifact) {
    return <p className="jp-mlops-Hint">{trans.__('There is no more about it on record.')}</p>;
  }
  return (
    <>
      <Preview artifact={artifact} path={path} />
      <Actions artifact={artifact} path={path} />
      <About artifact={artifact} lineage={lineage} />
    </>
  );
}

function Preview({ artifact, path }: { readonly artifact: Artifact; readonly path: string }): JSX.Element {
  const { trans } = useServices();
  if (artifact.kind === 'figure') {
    return (
      <div className="jp-mlops-Pictures">
        <FigureImage run={artifact.run_id} digest={artifact.digest} name={artifact.names[0] ?? artifact.id} path={path} />
      </div>
    );
  }
  const members = Object.entries(artifact.members);
  if (members.length > 1) {
    return (
      <>
        <p className="jp-mlops-Hint">{trans.__('Variables that may share memory, kept together:')}</p>
        {members.map(([name, member]) => (
          <div key={name}>
            <h3>{name}</h3>
            {member.preview ? <pre className="jp-mlops-Preview">{member.preview}</pre> : null}
            <Schema schema={member.schema ?? null} />
          </div>
        ))}
      </>
    );
  }
  return (
    <>
      {artifact.preview ? <pre className="jp-mlops-Preview">{artifact.preview}</pre> : null}
      <Schema schema={artifact.schema} />
    </>
  );
}

function About({ artifact, lineage }: Pick<IProps, 'lineage'> & { readonly artifact: Artifact }): JSX.Element {
  const { trans } = useServices();
  const { producer } = artifact;
  const line = lineage.nodes.find(node => node.digest === artifact.digest && node.cells.length > 0)?.cells[0] ?? null;
  const cells = producer?.cells.filter(cell => !line || cell.id === line.id) ?? [];
  const facts: [string, ReactNode][] = [
    ...(artifact.type ? [[trans.__('Type'), <code key="type">{artifact.type}</code>] as [string, ReactNode]] : []),
    [trans.__('Size'), sizeText(artifact.bytes)],
    [trans.__('Digest'), <Digest key="digest" digest={artifact.digest} />],
    [
      trans.__('Made by'),
      producer ? (
        <>
          {trans.__('step %1 of %2', producer.name, shortRun(producer.run_id))}{' '}
          <Cells
            run={producer.run_id}
            lineage={lineage}
            cells={cells.map(cell => ({ ...cell, line: cell.id === line?.id ? line.line : null }))}
          />
        </>
      ) : (
        trans.__('no step: a file that was there')
      )
    ],
    [trans.__('Used by'), <Consumers key="consumers" artifact={artifact} />]
  ];
  return (
    <>
      <Facts facts={facts} />
      {cells.map(cell => (
        <details key={cell.id}>
          <summary>{cell.number === null ? trans.__('Code') : trans.__('Code of cell %1, as it was', cell.number)}</summary>
          <pre className="jp-mlops-Preview">{cell.source}</pre>
        </details>
      ))}
    </>
  );
}

const SHOWN = 8;

function Consumers({ artifact }: { readonly artifact: Artifact }): JSX.Element {
  const { trans } = useServices();
  const { consumers } = artifact;
  if (consumers.length === 0) {
    return <>{trans.__('nothing yet')}</>;
  }
  return (
    <ul className="jp-mlops-Plain">
      {consumers.slice(0, SHOWN).map(one => (
        <li key={`${one.run_id} ${one.step}`}>
          {trans.__('step %1 of %2', one.step, shortRun(one.run_id))} · {one.status}
        </li>
      ))}
      {consumers.length > SHOWN ? <li>{trans.__('%1 more', consumers.length - SHOWN)}</li> : null}
    </ul>
  );
}

function Digest({ digest }: { readonly digest: string }): JSX.Element {
  const { trans } = useServices();
  const [isCopied, setCopied] = useState(false);
  const Icon = isCopied ? checkIcon : copyIcon;
  return (
    <>
      <code title={digest}>{digest.slice(0, 16)}…</code>
      <button
        className="jp-mlops-IconButton"
        title={isCopied ? trans.__('Copied') : trans.__('Copy the whole digest')}
        aria-label={trans.__('Copy the digest')}
        onClick={() => {
          Clipboard.copyToSystem(digest);
          setCopied(true);
        }}
      >
        <Icon.react tag="span" />
      </button>
      {isCopied ? <span role="status">{trans.__('Copied')}</span> : null}
    </>
  );
}

function Actions({ artifact, path }: { readonly artifact: Artifact; readonly path: string }): JSX.Element {
  const { app, trans } = useServices();
  const [isRegistering, setRegistering] = useState(false);
  const made = artifact.producer;
  const name = artifact.names[0] ?? artifact.id;
  const load = { run: made?.run_id ?? artifact.run_id, step: made?.step ?? artifact.step, artifact: name };
  return (
    <>
      <div className="jp-mlops-Buttons">
        {artifact.kind === 'figure' ? null : (
          <button
            className="jp-mlops-Button"
            disabled={!artifact.loadable}
            title={artifact.why_not ?? trans.__('Bind %1 in the notebook’s kernel', artifact.names.join(', '))}
            onClick={() => void app.commands.execute(Commands.loadIntoKernel, load)}
          >
            {trans.__('Load into kernel')}
          </button>
        )}
        {made && canBeModel(artifact, name) && !isRegistering ? (
          <button className="jp-mlops-Button" onClick={() => setRegistering(true)}>
            {trans.__('Register as model…')}
          </button>
        ) : null}
      </div>
      {artifact.loadable || !artifact.why_not ? null : <p className="jp-mlops-Hint">{artifact.why_not}</p>}
      {made && isRegistering ? (
        <RegisterForm
          path={path}
          sources={[sourceOf(made.run_id, made.step, name)]}
          suggested={name}
          onDone={() => setRegistering(false)}
          onCancel={() => setRegistering(false)}
        />
      ) : null}
    </>
  );
}
