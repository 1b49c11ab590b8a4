import { Empty } from '../../common/parts';

/** The tab "Pipeline". */
export default function PipelineTab(): JSX.Element {
  return <Empty title="Pipeline" />;
}
