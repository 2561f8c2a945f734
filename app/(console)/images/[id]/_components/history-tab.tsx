'use client'
import { useQuery } from '@tanstack/react-query'
import type { ImageHistoryResponseItem } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { Instruction } from '@/components/images/instruction-text.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Age } from '@/components/ui/age.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { commentOf } from './facts.ts'
import { useImage } from './image-provider.tsx'

/** Every step that made it, those without files too; the newest first. */
export function HistoryTab() {
  const { image } = useImage()
  const query = useQuery({
    queryKey: ['image-history', image.Id],
    staleTime: Infinity,
    queryFn: ({ signal }) =>
      engine.get<ImageHistoryResponseItem[]>(`/images/${image.Id}/history`, {}, signal),
  })
  return (
    <QueryStates query={query} what="history">
      {(steps) => (
        <div className="bg-surface">
          <Table aria-label="History">
            <thead>
              <tr>
                <TableHead className="pl-4">Step</TableHead>
                <TableHead className="text-right">Size</TableHead>
                <TableHead className="hidden text-right sm:table-cell">Made</TableHead>
                {steps.some(hasComment) && (
                  <TableHead className="hidden md:table-cell">Comment</TableHead>
                )}
                <TableHead>
                  <span className="sr-only">Copy</span>
                </TableHead>
              </tr>
            </thead>
            <tbody>
              {steps.map((step, index) => (
                <TableRow key={index}>
                  <TableCell className="w-full py-2 pl-4">
                    <Instruction createdBy={step.CreatedBy} className="line-clamp-4" />
                  </TableCell>
                  <TableCell className="tabular text-right whitespace-nowrap">
                    {step.Size > 0 ? (
                      formatBytes(step.Size)
                    ) : (
                      <span className="text-muted-foreground">–</span>
                    )}
                  </TableCell>
                  <TableCell className="text-muted-foreground hidden text-right sm:table-cell">
                    {step.Created > 0 ? <Age since={step.Created * 1000} suffix=" ago" /> : '–'}
                  </TableCell>
                  {steps.some(hasComment) && (
                    <TableCell className="text-muted-foreground hidden max-w-56 truncate text-xs md:table-cell">
                      {commentOf(step.Comment)}
                    </TableCell>
                  )}
                  <TableCell className="pr-3">
                    {step.CreatedBy !== '' && (
                      <CopyButton text={step.CreatedBy} label="Copy the step" className="size-7" />
                    )}
                  </TableCell>
                </TableRow>
              ))}
            </tbody>
          </Table>
        </div>
      )}
    </QueryStates>
  )
}

const hasComment = (step: ImageHistoryResponseItem): boolean => step.Comment !== ''
