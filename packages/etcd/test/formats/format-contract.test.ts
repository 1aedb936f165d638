import { describeFormatContract } from '@sd/contract-tests'
import { etcdNamingFormat, goZeroFormat } from '../../src/index.ts'

const key = 'orders/8455123461946258964'
const endpoints = ['grpc://10.0.0.1:9090']

describeFormatContract(goZeroFormat, {
  foreign: [{ key, value: '10.0.0.1:9090', instance: { id: '8455123461946258964', endpoints } }],
  unreadable: [
    { key, value: '{"Op":0,"Addr":"10.0.0.1:9090","Metadata":null}' },
    { key, value: 'no address' },
  ],
})

describeFormatContract(etcdNamingFormat, {
  foreign: [
    {
      key: 'orders/orders-1',
      value: '{"Op":0,"Addr":"10.0.0.1:9090","Metadata":{"a":"b"}}',
      instance: { endpoints, metadata: { a: 'b' } },
    },
    {
      key: 'orders/orders-1',
      value: '{"Op":0,"Addr":"10.0.0.1:9090","Metadata":null}',
      instance: { endpoints, metadata: {} },
    },
  ],
  unreadable: [{ key: 'orders/orders-1', value: '10.0.0.1:9090' }],
})
